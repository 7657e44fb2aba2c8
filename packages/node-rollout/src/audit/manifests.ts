import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { addAbortSignal, type Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { formatPlace, messageOf, type Place, UsageError } from "@internal/lib/errors";
import { isMap, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";

/** What an audit works on, and where each object stands, if in a file. */
export interface AuditInput {
  workloads: object[];
  budgets: object[];
  pods: object[];
  placeOf(workload: { kind: string; namespace: string; name: string }): Place | undefined;
  /** What could not be read, a sentence each with its place; the rest was. */
  problems: string[];
}

interface Manifest {
  object: {
    kind?: string;
    metadata?: { name?: string; namespace?: string };
    spec?: { replicas?: unknown; template?: { metadata?: unknown } };
  };
  place: Place;
}

/**
 * Reads manifests: YAML and JSON files, folders of them, and `-` for the standard input.
 *
 * @param signal ends the wait for the standard input
 * @throws UsageError for a path that cannot be read, and for a standard input on which nothing came
 */
export async function readManifests(
  paths: readonly string[],
  stdin: Readable,
  signal: AbortSignal,
): Promise<AuditInput> {
  const manifests: Manifest[] = [];
  const problems: string[] = [];
  const take = (source: string, file: string) => {
    for (const found of parse(source, file)) {
      if (typeof found === "string") problems.push(found);
      else manifests.push(found);
    }
  };
  for (const path of paths) {
    if (path === "-") take(await readStdin(stdin, signal), "-");
    else for (const file of await filesOf(path)) take(await read(file), file);
  }
  const places = new Map(manifests.map(({ object, place }) => [keyOf(object), place]));
  const objectsThat = (fits: (object: Manifest["object"]) => boolean) =>
    manifests.filter(({ object }) => fits(object)).map(({ object }) => object);
  return {
    workloads: objectsThat(
      ({ kind, spec }) => kind !== "Pod" && spec?.template?.metadata !== undefined,
    ),
    budgets: objectsThat(({ kind }) => kind === "PodDisruptionBudget"),
    pods: objectsThat(({ kind }) => kind === "Pod"),
    placeOf: ({ kind, ...metadata }) => places.get(keyOf({ kind, metadata })),
    problems,
  };
}

async function readStdin(stdin: Readable, signal: AbortSignal): Promise<string> {
  const source = await text(addAbortSignal(signal, stdin));
  if (source.trim() !== "") return source;
  throw new UsageError("-: nothing came; has the command before the pipe failed?");
}

function keyOf({ kind, metadata }: Manifest["object"]): string {
  return JSON.stringify([kind, metadata?.namespace ?? "default", metadata?.name]);
}

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch((error) => {
    throw new UsageError(messageOf(error), { cause: error });
  });
  if (!found.isDirectory()) return [path];
  const names = await readdir(path, { recursive: true });
  return names
    .filter((name) => /\.(ya?ml|json)$/.test(name) && !/(^|\/)(\.|node_modules\/)/.test(name))
    .sort()
    .map((name) => join(path, name));
}

async function read(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error) => {
    throw new UsageError(messageOf(error), { cause: error });
  });
}

/** The objects of a file's documents; of a document that is broken, what is wrong with it. */
function parse(source: string, file: string): (Manifest | string)[] {
  const lineCounter = new LineCounter();
  // A template's braces are a strange mapping, which is nothing to warn of: it is no workload.
  const options = { lineCounter, prettyErrors: false, logLevel: "error" } as const;
  return [...parseAllDocuments(source, options)].flatMap<Manifest | string>((document) => {
    const placeAt = (offset: number): Place => ({ file, line: lineCounter.linePos(offset).line });
    const [broken] = document.errors;
    if (broken !== undefined) {
      const place = formatPlace(placeAt(broken.pos[0]));
      return `${place}: no valid YAML: ${broken.message}`;
    }
    return objectsIn(document.contents as Node | null).map((node) => ({
      object: node.toJS(document) as Manifest["object"],
      place: placeAt(node.range?.[0] ?? 0),
    }));
  });
}

/** A document's object, or the items when it is a list of them, as `kubectl get` prints. */
function objectsIn(node: Node | null): Node[] {
  if (!isMap(node)) return [];
  const items = node.get("items");
  const isList = String(node.get("kind") ?? "").endsWith("List") && isSeq(items);
  return isList ? (items.items as Node[]).flatMap(objectsIn) : [node as Node];
}
