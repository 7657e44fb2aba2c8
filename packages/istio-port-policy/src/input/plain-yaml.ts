type Mapping = Record<string, unknown>;

/**
 * The value of a document that keeps to the plain part of YAML, as most manifests do: mappings and lists in lines,
 * words, whole numbers, quoted texts without escapes, and short `{ a: b }` or `[a, b]`. Undefined for any other, which
 * the full parser has to read; this one takes a fraction of the time, and where it answers the two agree.
 */
export function parsePlain(text: string): Mapping | unknown[] | undefined {
  if (!/^[\n\r\x20-\x7e]*$/.test(text) || /\r(?!\n)/.test(text)) return undefined;
  const tree = new Tree();
  let begun = false;
  for (const untrimmed of text.split("\n")) {
    const line = untrimmed.trimEnd();
    const column = indentOf(line);
    if (column === line.length || line[column] === "#") continue;
    if ((begun || line !== "---") && !tree.take(line, column)) return undefined;
    begun = true;
  }
  return tree.root;
}

/** A mapping or a list whose entries stand at this column. */
interface Collection {
  column: number;
  mapping?: Mapping;
  list?: unknown[];
}

/** A document that goes deeper is the full parser's, which has a limit of its own and says so. */
const deepest = 100;

const keyPattern = /[A-Za-z][\w./-]*:(?= |$)/y;

class Tree {
  root: Mapping | unknown[] | undefined;
  readonly #open: Collection[] = [];
  /** Where a collection that begins now belongs: behind the dash, or the key without a value, that came last. */
  #owner: Collection | undefined;
  #key = "";

  /** Takes a line into the tree; false when it is not plain. */
  take(line: string, indent: number): boolean {
    if (this.#open.length > deepest) return false;
    let column = indent;
    if (line.startsWith("- ", column)) {
      const list = this.#collectionAt(column, "list");
      if (list === undefined) return false;
      this.#owner = list;
      column += 2 + indentOf(line, column + 2);
      return this.#takeKey(line, column) ?? this.#put(list, "", parseValue(line.slice(column)));
    }
    return this.#takeKey(line, column) ?? false;
  }

  /** Takes a line that has a key at the column; undefined when it has none there. */
  #takeKey(line: string, column: number): boolean | undefined {
    keyPattern.lastIndex = column;
    if (!keyPattern.test(line)) return undefined;
    const key = line.slice(column, keyPattern.lastIndex - 1);
    const rest = line.slice(keyPattern.lastIndex).trimStart();
    const mapping = this.#collectionAt(column, "mapping");
    if (mapping?.mapping === undefined || !isNewKey(mapping.mapping, key)) return false;
    if (rest !== "" && !rest.startsWith("#")) return this.#put(mapping, key, parseValue(rest));
    this.#put(mapping, key, null);
    this.#owner = mapping;
    this.#key = key;
    return true;
  }

  /** Puts a value where it belongs; false when there is none. */
  #put(owner: Collection, key: string, value: unknown): boolean {
    this.#owner = undefined;
    if (value === undefined) return false;
    if (owner.mapping !== undefined) owner.mapping[key] = value;
    else owner.list?.push(value);
    return true;
  }

  /** The collection whose next entry stands at the column: one that begins there, or one that goes on. */
  #collectionAt(column: number, kind: "mapping" | "list"): Collection | undefined {
    const owner = this.#owner;
    if (this.#open.length === 0)
      return this.root === undefined ? this.#begin(column, kind) : undefined;
    if (owner !== undefined) {
      // The list of a key may begin at the key's own column.
      const least = kind === "list" && owner.mapping ? owner.column : owner.column + 1;
      if (column >= least) return this.#begin(column, kind);
    }
    let top = this.#open.at(-1);
    while (top && (top.column > column || (top.column === column && top[kind] === undefined))) {
      this.#open.pop();
      top = this.#open.at(-1);
    }
    return top?.column === column ? top : undefined;
  }

  #begin(column: number, kind: "mapping" | "list"): Collection {
    const begun = kind === "mapping" ? { column, mapping: {} } : { column, list: [] };
    if (this.#owner === undefined) this.root = begun.mapping ?? begun.list;
    else this.#put(this.#owner, this.#key, begun.mapping ?? begun.list);
    this.#open.push(begun);
    return begun;
  }
}

/** How many blanks there are from an offset on. */
function indentOf(line: string, from = 0): number {
  let at = from;
  while (line.charCodeAt(at) === 32) at++;
  return at - from;
}

function isNewKey(mapping: Mapping, key: string): boolean {
  return !(key in mapping) && !(key.length <= 5 && constants.has(key));
}

const constants: ReadonlyMap<string, null | boolean> = new Map([
  ...["null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
]);

/** A scalar, or a collection on one line, with a comment behind it or not; undefined for what is not plain. */
function parseValue(text: string): unknown {
  const comment = text.indexOf(" #");
  const value = comment < 0 ? text : text.slice(0, comment).trimEnd();
  if (value.startsWith("{") && value.endsWith("}")) return parseEntries(value.slice(1, -1).trim());
  if (value.startsWith("[") && value.endsWith("]")) return parseItems(value.slice(1, -1).trim());
  return parseScalar(value);
}

function parseEntries(text: string): Mapping | undefined {
  const mapping: Mapping = {};
  for (const entry of partsOf(text)) {
    keyPattern.lastIndex = 0;
    if (!keyPattern.test(entry)) return undefined;
    const key = entry.slice(0, keyPattern.lastIndex - 1);
    const value = parseScalar(entry.slice(keyPattern.lastIndex).trimStart());
    if (value === undefined || !isNewKey(mapping, key)) return undefined;
    mapping[key] = value;
  }
  return mapping;
}

function parseItems(text: string): unknown[] | undefined {
  const items = partsOf(text).map(parseScalar);
  return items.includes(undefined) ? undefined : items;
}

function partsOf(text: string): string[] {
  return text === "" ? [] : text.split(",").map((part) => part.trim());
}

/** Words with single blanks or colons between them, which end neither a key nor a text. */
const plainWords = /^[A-Za-z/][\w./@%+=~-]*(?:[: ][\w./@%+=~-]+)*$/;

function parseScalar(text: string): string | number | boolean | null | undefined {
  if (plainWords.test(text)) {
    const constant = constants.get(text);
    return constant === undefined ? text : constant;
  }
  if (/^(?:0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  // A quantity: 500m, 64Mi.
  if (/^[1-9]\d*[A-Za-z]{1,2}$/.test(text)) return text;
  return /^(?:"[^"\\]*"|'[^']*')$/.test(text) ? text.slice(1, -1) : undefined;
}
