/** The text of one YAML document, with its `---` line and its `...` line if it has them. */
export interface DocumentText {
  text: string;
  /** The line of the file it begins at, from 1. */
  line: number;
}

/**
 * A line that parts documents: `---` or `...` at its very beginning, which YAML reserves even inside texts. Files
 * that were put together each bring their own byte order mark.
 */
const marker = /(?<![^\r\n])\ufeff?(---|\.\.\.)(?![^ \t\r\n])/g;

/**
 * Parts a stream of YAML into its documents, so that no more than one of them is in memory.
 *
 * @param chunks the file's text in pieces of any size
 */
export async function* splitDocuments(
  chunks: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<DocumentText> {
  const open = new OpenDocument();
  let unended: string[] = [];
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf("\n") + 1;
    if (end === 0) {
      unended.push(chunk);
      continue;
    }
    yield* open.take([...unended, chunk.slice(0, end)].join(""));
    unended = [chunk.slice(end)];
  }
  yield* open.take(unended.join(""));
  yield* open.end();
}

class OpenDocument {
  #parts: string[] = [];
  /** The line it begins at, and the line the next text begins at. */
  #line = 1;
  #next = 1;

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
    const text = this.#parts.join("");
    if (/[^ \t\r\n]/.test(text)) yield { text, line: this.#line };
    this.#parts = [];
    this.#line = this.#next;
  }

  #add(text: string): void {
    if (text === "") return;
    this.#parts.push(text);
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
