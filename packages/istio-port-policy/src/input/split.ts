import { JsonList } from "./json-list.ts";
import type { LargeList } from "./large-list.ts";
import type { BrokenDocument } from "./parse.ts";
import type { ListHead } from "./resources.ts";
import { YamlList } from "./yaml-list.ts";

/** The text of one YAML document, with its `---` line and its `...` line if it has them; or an item of a large List. */
export interface DocumentText {
  text: string;
  /** The line of the file it begins at, from 1. */
  line: number;
  /** The column of that line it begins at, from 1. */
  column: number;
  /** What an item holds, the keys that lead to it in its text, and what its List says for it. */
  item?: { value: unknown; path: number[]; list: ListHead };
  /** What kept a List from being parted any further, in place of a text. */
  broken?: BrokenDocument;
}

/**
 * A line that parts documents: `---` at its very beginning, which YAML reserves even inside texts, or `...` with
 * nothing behind it. Files that were put together each bring their own byte order mark.
 */
const marker =
  /(?<![^\r\n])\ufeff?(---(?![^ \t\r\n])|\.\.\.(?=[ \t]*(?:[ \t]#[^\r\n]*)?(?:[\r\n]|$)))/g;

/**
 * Characters of a List from which on its items are read one by one. Below that it is read as a whole, so that an alias
 * may refer to an anchor in another item; ten times that in memory is what it takes.
 */
const largest = 4 * 2 ** 20;

/**
 * Parts a stream of YAML into its documents, and a large List into its items, so that no more than one of them is in
 * memory.
 *
 * @param chunks the file's text in pieces of any size
 */
export async function* splitDocuments(
  chunks: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<DocumentText> {
  const splitter = new Splitter();
  for await (const chunk of chunks) yield* splitter.take(chunk);
  yield* splitter.end();
}

class Splitter {
  #open = new OpenDocument(1);
  /** A line that goes on in the next chunk. */
  #unended: string[] = [];
  #unendedSize = 0;
  /** The List that is being read in place of documents. */
  #list: LargeList | undefined;

  *take(chunk: string): Generator<DocumentText> {
    if (this.#list !== undefined) {
      const rest = yield* this.#list.take(chunk);
      if (rest === undefined) return;
      this.#open = new OpenDocument(this.#list.line);
      this.#list = undefined;
      yield* this.take(rest);
      return;
    }
    const end = chunk.lastIndexOf("\n") + 1;
    if (end > 0) {
      yield* this.#open.take([...this.#unended, chunk.slice(0, end)].join(""));
      this.#unended = [];
      this.#unendedSize = 0;
    }
    this.#unended.push(chunk.slice(end));
    this.#unendedSize += chunk.length - end;
    if (this.#open.size + this.#unendedSize > largest) yield* this.#beginList();
  }

  *end(): Generator<DocumentText> {
    if (this.#list !== undefined) {
      yield* this.#list.end();
      return;
    }
    yield* this.#open.take(this.#unended.join(""));
    yield* this.#open.end();
  }

  /** Reads the open document as a List, when it is one. */
  *#beginList(): Generator<DocumentText> {
    if (this.#open.isNoList) return;
    const { text, line } = this.#open.document(this.#unended);
    const begun = JsonList.begin(text, line) ?? YamlList.begin(text, line);
    if (begun === undefined) {
      this.#open.isNoList = true;
      return;
    }
    this.#list = begun.list;
    this.#unended = [];
    this.#unendedSize = 0;
    yield* this.take(begun.rest);
  }
}

class OpenDocument {
  size = 0;
  /** Whether it was looked at, and is no List. */
  isNoList = false;
  #parts: string[] = [];
  /** The line it begins at, and the line the next text begins at. */
  #line: number;
  #next: number;

  constructor(line: number) {
    this.#line = line;
    this.#next = line;
  }

  /** Adds whole lines and gives every document they complete. */
  *take(lines: string): Generator<DocumentText> {
    let from = 0;
    for (const { 0: whole, 1: found, index } of lines.matchAll(marker)) {
      const until = found === "---" ? index : endOfLine(lines, index);
      this.#add(lines.slice(from, until));
      from = until;
      // Directives and comments above a document belong to it, as far as they are from the same file.
      if (whole === "---" && this.#isPrologue()) continue;
      yield* this.end();
    }
    this.#add(lines.slice(from));
  }

  *end(): Generator<DocumentText> {
    const document = this.document();
    if (/[^ \t\r\n]/.test(document.text)) yield document;
    this.#parts = [];
    this.size = 0;
    this.isNoList = false;
    this.#line = this.#next;
  }

  /** All of it so far. */
  document(unended: string[] = []): DocumentText {
    return { text: [...this.#parts, ...unended].join(""), line: this.#line, column: 1 };
  }

  #add(text: string): void {
    if (text === "") return;
    this.#parts.push(text);
    this.size += text.length;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#next++;
  }

  #isPrologue(): boolean {
    return this.#parts.every((part) => /^(?:[ \t]*(?:#[^\n]*|\r)?\n|%[^\n]*\n)*$/.test(part));
  }
}

/** The offset behind the line break that ends the line at `from`. */
function endOfLine(text: string, from: number): number {
  lineBreak.lastIndex = from;
  return lineBreak.test(text) ? lineBreak.lastIndex : text.length;
}

const lineBreak = /\r?\n|\r/g;
