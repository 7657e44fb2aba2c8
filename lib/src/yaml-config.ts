import { readFile } from "node:fs/promises";
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import type { z } from "zod";
import { aboutFile, formatPlace, type Place, UsageError } from "./errors.ts";

/** A configuration that cannot be used; the message lists every mistake as `file:line:column: field: what`. */
export class ConfigError extends UsageError {
  override name = "ConfigError";
  override readonly code: string = "CONFIG";
}

/** A configuration as read: the checked value, and where each of its fields stands. */
export interface ReadConfig<T> {
  value: T;
  /** The place of a field by its path, `["users", 0, "cron"]`, or of the nearest one above that exists. */
  placeOf(path: readonly PropertyKey[]): Place;
}

/**
 * Reads a YAML (or JSON) file and checks it against a schema.
 *
 * @throws ConfigError when the file cannot be read, is no YAML, or does not fit the schema
 */
export async function readConfig<T>(file: string, schema: z.ZodType<T>): Promise<ReadConfig<T>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const missing = `${file}: no such file; give its path with --config FILE`;
    throw new ConfigError(code === "ENOENT" ? missing : aboutFile(file, error), { cause: error });
  }
  return parseConfig(text, file, schema);
}

/** {@link readConfig} for a text that was read already; `file` names it in messages. */
export function parseConfig<T>(text: string, file: string, schema: z.ZodType<T>): ReadConfig<T> {
  let tree: Tree | undefined = parseTree(text, file);
  const placeOf = (path: readonly PropertyKey[]): Place => {
    tree ??= parseTree(text, file);
    return tree.placeOf(path);
  };
  const result = schema.safeParse(tree.toJS());
  if (!result.success) {
    const mistakes = result.error.issues.map(({ path, message }) => {
      const field = path.map(String).join(".");
      return inOneLine(
        `${formatPlace(placeOf(path))}: ${field === "" ? "" : `${field}: `}${message}`,
      );
    });
    throw new ConfigError(mistakes.join("\n"));
  }
  // It takes many times what the value does, and a daemon never asks for a place again.
  tree = undefined;
  return { value: result.data, placeOf };
}

interface Tree {
  toJS(): unknown;
  placeOf(path: readonly PropertyKey[]): Place;
}

const options = {
  prettyErrors: false,
  // Dates and bytes are no part of JSON, which the schemas are made for.
  resolveKnownTags: false,
  // Else a list as a key is a warning on stderr; the schema says more.
  logLevel: "error",
} as const;

function parseTree(text: string, file: string): Tree {
  const lines = new LineCounter();
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const refuse = (offset: number, message: string): ConfigError => {
    const words = message.includes("call stack") ? "nested too deeply" : message;
    return new ConfigError(inOneLine(`${formatPlace(placeAt(offset))}: no valid YAML: ${words}`));
  };
  const orRefuse = <T>(read: () => T, offset: () => number): T => {
    try {
      return read();
    } catch (error) {
      throw refuse(offset(), (error as Error).message);
    }
  };
  const document = orRefuse(
    () => parseDocument(text, { ...options, lineCounter: lines }),
    () => 0,
  );
  const [broken] = document.errors;
  if (broken !== undefined) throw refuse(broken.pos[0], broken.message);
  return {
    toJS: () =>
      orRefuse(
        () => document.toJS(),
        () => offsetOfStrayAlias(document),
      ),
    placeOf: (path) => placeAt(offsetOf(document.contents, path)),
  };
}

/** The offset of the first alias without an anchor, or of the whole where all have one and are too many. */
function offsetOfStrayAlias(document: Document.Parsed): number {
  let offset = document.contents?.range?.[0] ?? 0;
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return undefined;
      offset = alias.range?.[0] ?? offset;
      return visit.BREAK;
    },
  });
  return offset;
}

/** Keys of the file may have anything in them, line ends too. */
function inOneLine(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The offset of the node at `path`: of the key for a mapping's field, of the item for a list's. */
function offsetOf(root: Node | null, path: readonly PropertyKey[]): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
      if (pair === undefined) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}
