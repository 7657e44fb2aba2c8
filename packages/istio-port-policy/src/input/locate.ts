import {
  EVENT_ID,
  type Event,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
} from "js-yaml";
import { parserOptions } from "./parse.ts";

/** A mapping, a sequence or a leaf of a YAML text, with where it stands. */
export interface YamlNode {
  /** Offset of its first character, a quote included; -1 for an item that is empty. */
  start: number;
  /** Offset behind its last character; written scalars and aliases have one. */
  end?: number;
  /** Whether an alias can refer to it. */
  anchored?: boolean;
  entries?: { key: string; keyStart: number; value: YamlNode }[];
  items?: YamlNode[];
}

const quoted: readonly number[] = [SCALAR_STYLE.SINGLE_QUOTED, SCALAR_STYLE.DOUBLE_QUOTED];

/**
 * The node tree of one document's text; none for JSON that YAML's parser does not take, nested too deep for example.
 * It costs several times the parsing, so it is made only where something was found.
 */
export function nodesOf(text: string): YamlNode | undefined {
  const events = eventsOf(text);
  if (events === undefined) return undefined;
  return readNode({ text, events, next: 1 }); // the first event is the document itself
}

/** What the parser comes upon in one document's text; none where it breaks off. */
export function eventsOf(text: string): Event[] | undefined {
  try {
    return parseEvents(text, parserOptions);
  } catch (error) {
    if (error instanceof YAMLException) return undefined;
    throw error;
  }
}

interface Reader {
  text: string;
  events: Event[];
  next: number;
}

function readNode(reader: Reader): YamlNode {
  const event = reader.events[reader.next++];
  switch (event?.type) {
    case EVENT_ID.SCALAR: {
      if (event.valueStart < 0) return { start: -1 };
      const quotes = quoted.includes(event.style) ? 1 : 0;
      return { start: event.valueStart - quotes, end: event.valueEnd + quotes };
    }
    case EVENT_ID.ALIAS:
      return { start: event.anchorStart - 1, end: event.anchorEnd }; // `*` is no part of the anchor's name
    case EVENT_ID.SEQUENCE:
      return { ...collection(event), items: readUntilPop(reader, readNode) };
    case EVENT_ID.MAPPING:
      return { ...collection(event), entries: readUntilPop(reader, readEntry) };
    default:
      throw new TypeError(`event ${event?.type} begins no node`);
  }
}

function collection({ start, anchorStart }: { start: number; anchorStart: number }): YamlNode {
  return { start, anchored: anchorStart >= 0 };
}

function readUntilPop<T>(reader: Reader, read: (reader: Reader) => T): T[] {
  const children: T[] = [];
  while (reader.events[reader.next]?.type !== EVENT_ID.POP) children.push(read(reader));
  reader.next++;
  return children;
}

function readEntry(reader: Reader): NonNullable<YamlNode["entries"]>[number] {
  const event = reader.events[reader.next];
  const key = event?.type === EVENT_ID.SCALAR ? getScalarValue(reader.text, event) : "";
  const { start: keyStart } = readNode(reader);
  const value = readNode(reader);
  return { key, keyStart, value: value.start < 0 ? { ...value, start: keyStart } : value };
}

/** The nodes on a path of keys and indexes, the root first, as far as the text has them. */
export function nodesOn(root: YamlNode, path: readonly (string | number)[]): YamlNode[] {
  const nodes = [root];
  let node = root;
  for (const step of path) {
    const next =
      typeof step === "number"
        ? node.items?.[step]
        : node.entries?.find(({ key }) => key === step)?.value;
    if (next === undefined) break;
    nodes.push(next);
    node = next;
  }
  return nodes;
}

/** A place in a text: line and column from 1, and the line itself. */
export interface TextPlace {
  line: number;
  column: number;
  source: string;
}

/** Finds places in one document's text; the work is done when the first place is asked for. */
export class Locator {
  readonly #text: string;
  #root: YamlNode | null | undefined;
  #lineStarts: number[] | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** The place of the node at a path, or of the nearest above it; none in a text that cannot be looked through. */
  place(path: readonly (string | number)[]): TextPlace | undefined {
    if (this.#text.length > largestText) return undefined;
    this.#root ??= nodesOf(this.#text) ?? null;
    const nodes = this.#root === null ? [] : nodesOn(this.#root, path);
    const node = nodes.findLast(({ start }) => start >= 0);
    return node === undefined ? undefined : this.#placeAt(node.start);
  }

  #placeAt(offset: number): TextPlace {
    this.#lineStarts ??= lineStartsOf(this.#text);
    const line = countUpTo(this.#lineStarts, offset);
    const begin = this.#lineStarts[line - 1] ?? 0;
    const end = this.#lineStarts[line] ?? this.#text.length;
    const source = this.#text.slice(begin, end).replace(/\r?\n?$/, "");
    return { line, column: offset - begin + 1, source };
  }
}

/** The node tree takes some twenty times the text's memory; a dump of a whole cluster has no lines to look at anyway. */
const largestText = 32 * 2 ** 20;

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** How many of the sorted numbers are not greater than the limit. */
function countUpTo(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
