import { Readable } from "node:stream";
import { messageOf } from "@internal/lib/errors";
import { type Chunks, openFile } from "./open.ts";
import { BrokenDocument, parseDocument } from "./parse.ts";
import { isTemplated, type Resources, resourcesOf } from "./resources.ts";
import { selectFiles } from "./select.ts";
import { type DocumentText, splitDocuments } from "./split.ts";

/** What reading came upon, in the order of the files. */
export type ReadEvent =
  | { type: "file"; file: string }
  | ({ type: "document"; file: string; text: DocumentText } & Resources)
  | { type: "unreadable"; file: string; line?: number; message: string }
  | { type: "skipped"; file: string; line: number; reason: "template" };

/** What stands for the standard input in findings and messages. */
export const stdinName = "<stdin>";

/** A pipe's shell tells nobody that the command before it failed: an empty stream is all there is to see of it. */
const nothingCame = "nothing came; has the command before the pipe failed?";

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
  for await (const { file: path, searched, missing } of selectFiles(paths)) {
    options.signal?.throwIfAborted();
    const file = path === "-" ? stdinName : path;
    if (missing !== undefined) {
      yield { type: "unreadable", file, message: missing };
      continue;
    }
    yield { type: "file", file };
    let stop: (() => void) | undefined;
    try {
      const chunks = path === "-" ? (options.stdin ?? process.stdin) : openFile(path);
      // Whoever waits for a pipe that says nothing must be able to give up.
      stop = () => chunks instanceof Readable && chunks.destroy(options.signal?.reason);
      options.signal?.addEventListener("abort", stop, { once: true });
      let isEmpty = true;
      for await (const event of readDocuments(file, searched, decode(chunks), options.signal)) {
        isEmpty = false;
        yield event;
      }
      if (isEmpty && path === "-") yield { type: "unreadable", file, message: nothingCame };
    } catch (error) {
      if (options.signal?.aborted) throw error;
      yield { type: "unreadable", file, message: messageOf(error).replace(`${path}: `, "") };
    } finally {
      if (stop !== undefined) options.signal?.removeEventListener("abort", stop);
    }
  }
}

/** The labels of all Namespace documents that paths lead to, by the namespace's name. */
export async function readNamespaces(
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, Record<string, string>>> {
  const found = new Map<string, Record<string, string>>();
  for await (const event of readManifests(paths, { signal })) {
    if (event.type !== "document") continue;
    for (const { name, labels } of event.namespaces) found.set(name, labels);
  }
  return found;
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

/** What one document gives; never a "file" event. */
export function readDocument(
  file: string,
  searched: boolean,
  text: DocumentText,
): Exclude<ReadEvent, { type: "file" }>[] {
  const skipped = { type: "skipped", file, line: text.line, reason: "template" } as const;
  let resources: Resources;
  try {
    resources = resourcesIn(text);
  } catch (error) {
    if (!(error instanceof BrokenDocument)) throw error;
    if (text.text.includes("{{")) return [skipped];
    // tsconfig.json and its like have comments; what speaks of no kind was never a manifest.
    const isManifest = text.broken !== undefined || text.text.includes('"kind"');
    if (searched && file.endsWith(".json") && !isManifest) return [];
    const line = text.line + error.line - 1;
    const column = error.line === 1 ? text.column + error.column - 1 : error.column;
    const message = `${error.message} (column ${column})`;
    return [{ type: "unreadable", file, line, message }];
  }
  const services = resources.services.filter(({ service }) => !isTemplated(service));
  const document = { type: "document", file, text, ...resources, services } as const;
  return services.length < resources.services.length ? [document, skipped] : [document];
}

/** @throws BrokenDocument */
function resourcesIn({ text, item, broken }: DocumentText): Resources {
  if (broken !== undefined) throw broken;
  if (item === undefined) return resourcesOf(parseDocument(text));
  return resourcesOf(item.value, item.path, item.list);
}

/** Text from bytes; a byte order mark is no part of it. */
async function* decode(chunks: Chunks): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    yield typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  }
  yield decoder.decode();
}
