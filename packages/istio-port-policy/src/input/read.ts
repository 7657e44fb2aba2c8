import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { messageOf } from "@internal/lib/errors";
import { BrokenDocument, parseDocument } from "./parse.ts";
import { isTemplated, type Resources, resourcesOf } from "./resources.ts";
import { type SelectedFile, selectFiles } from "./select.ts";
import { type DocumentText, splitDocuments } from "./split.ts";

/** What reading came upon, in the order of the files. */
export type ReadEvent =
  | { type: "file"; file: string }
  | ({ type: "document"; file: string; text: DocumentText } & Resources)
  | { type: "unreadable"; file: string; line?: number; message: string }
  | { type: "skipped"; file: string; line: number; reason: "template" };

/** What stands for the standard input in findings and messages. */
export const stdinName = "<stdin>";

export interface ReadOptions {
  /** What `-` reads. @default process.stdin */
  stdin?: AsyncIterable<string | Uint8Array> | undefined;
  signal?: AbortSignal | undefined;
}

/** Reads the documents that paths lead to, one in memory at a time; what is broken is an event, never a throw. */
export async function* readManifests(
  paths: readonly string[],
  options: ReadOptions = {},
): AsyncGenerator<ReadEvent> {
  for await (const { file: path, searched, missing, content } of readAhead(selectFiles(paths))) {
    options.signal?.throwIfAborted();
    const file = path === "-" ? stdinName : path;
    if (missing !== undefined) {
      yield { type: "unreadable", file, message: missing };
      continue;
    }
    yield { type: "file", file };
    try {
      const chunks = path === "-" ? (options.stdin ?? process.stdin) : await content;
      yield* readDocuments(file, searched, decode(chunks), options.signal);
    } catch (error) {
      if (options.signal?.aborted) throw error;
      yield { type: "unreadable", file, message: messageOf(error).replace(`${path}: `, "") };
    }
  }
}

type Chunks = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** Files read at the same time, and up to which size at once; a larger one is streamed. */
const ahead = 8;
const atOnce = 2 ** 20;

/** Begins to read the next files while the current one is parsed. */
async function* readAhead(
  files: AsyncIterable<SelectedFile>,
): AsyncGenerator<SelectedFile & { content: Promise<Chunks> }> {
  const begun: (SelectedFile & { content: Promise<Chunks> })[] = [];
  for await (const selected of files) {
    const { file, missing } = selected;
    const content = file === "-" || missing !== undefined ? Promise.resolve([]) : open(file);
    content.catch(() => {}); // it is awaited later, and told then
    begun.push({ ...selected, content });
    if (begun.length > ahead) yield begun.shift()!;
  }
  yield* begun;
}

async function open(file: string): Promise<Chunks> {
  const { size } = await stat(file);
  return size > atOnce ? stream(file) : [await readFile(file)];
}

/** Opens the file only when its turn comes. */
async function* stream(file: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(file);
}

async function* readDocuments(
  file: string,
  searched: boolean,
  chunks: AsyncIterable<string>,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReadEvent> {
  let templateSeen = false;
  for await (const text of splitDocuments(chunks)) {
    signal?.throwIfAborted();
    for (const event of readDocument(file, searched, text)) {
      // One word a file is enough; its other documents may well be complete.
      if (event.type === "skipped" && templateSeen) continue;
      templateSeen ||= event.type === "skipped";
      yield event;
    }
  }
}

function readDocument(file: string, searched: boolean, text: DocumentText): ReadEvent[] {
  const skipped: ReadEvent = { type: "skipped", file, line: text.line, reason: "template" };
  let resources: Resources;
  try {
    resources = resourcesOf(parseDocument(text.text));
  } catch (error) {
    if (!(error instanceof BrokenDocument)) throw error;
    if (text.text.includes("{{")) return [skipped];
    // tsconfig.json and its like have comments; what speaks of no kind was never a manifest.
    if (searched && file.endsWith(".json") && !text.text.includes('"kind"')) return [];
    const line = text.line + error.line - 1;
    const message = `no valid YAML: ${error.message} (column ${error.column})`;
    return [{ type: "unreadable", file, line, message }];
  }
  const services = resources.services.filter(({ service }) => !isTemplated(service));
  const document: ReadEvent = { type: "document", file, text, ...resources, services };
  return services.length < resources.services.length ? [document, skipped] : [document];
}

/** Text from bytes; a byte order mark is no part of it. */
async function* decode(chunks: Chunks): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    yield typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  }
  yield decoder.decode();
}
