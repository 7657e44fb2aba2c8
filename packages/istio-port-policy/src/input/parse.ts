import {
  CORE_SCHEMA,
  constructFromEvents,
  defineMappingTag,
  defineScalarTag,
  defineSequenceTag,
  mapTag,
  mergeTag,
  parseEvents,
  type Schema,
  YAMLException,
} from "js-yaml";
import { parsePlain } from "./plain-yaml.ts";

/** A text that cannot be read as YAML, and why; the line and column count from 1 within that text. */
export class BrokenDocument extends Error {
  override name = "BrokenDocument";
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number, options?: ErrorOptions) {
    super(message, options);
    this.line = line;
    this.column = column;
  }
}

/** Deeper than any manifest is nested, and shallow enough for the parser's recursion. */
export const parserOptions = { maxDepth: 1000 };

/**
 * The value of one YAML document, JSON included; undefined for one that holds nothing.
 *
 * @throws BrokenDocument
 */
export function parseDocument(text: string): unknown {
  if (/^\s*\{/.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      // A flow mapping of YAML begins like JSON, and the YAML parser says where JSON is broken.
    }
  }
  const plain = parsePlain(text);
  if (plain !== undefined) return plain;
  try {
    const events = parseEvents(text, parserOptions);
    return constructFromEvents(events, { source: text, schema })[0];
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    // Counted anew: to YAML a lone carriage return ends a line too, to editors it does not.
    const lines = text.slice(0, error.mark?.position ?? 0).split("\n");
    const column = (lines.at(-1)?.length ?? 0) + 1;
    throw new BrokenDocument(messageOf(error), lines.length, column, { cause: error });
  }
}

function messageOf({ reason }: YAMLException): string {
  return reason.startsWith("nesting exceeded")
    ? `nested deeper than ${parserOptions.maxDepth} levels, as no manifest is`
    : `no valid YAML: ${reason}`;
}

/** YAML 1.2 with merge keys. Tags of others (`!Ref`, `!reference`) are read past: such files hold no Services. */
const schema: Schema = CORE_SCHEMA.withTags(
  mergeTag,
  ["!", "tag:"].flatMap((prefix) => [
    defineScalarTag(prefix, {
      matchByTagPrefix: true,
      resolve: (source) => source,
      identify: () => false,
    }),
    defineSequenceTag<unknown[]>(prefix, {
      matchByTagPrefix: true,
      create: () => [],
      addItem: (list, item) => {
        list.push(item);
      },
      identify: () => false,
    }),
    defineMappingTag(prefix, {
      ...mapTag,
      matchByTagPrefix: true,
      identify: () => false,
    }),
  ]),
);
