/** The text of one YAML document, with its `---` line if it has one. */
export interface DocumentText {
  text: string;
  /** The line of the file it begins at, from 1. */
  line: number;
}

/** A line that parts documents: `---` or `...` at its very beginning, which YAML reserves even inside texts. */
const marker = /(?<![^\n])(?:---|\.\.\.)(?![^ \t\r\n])/g;

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
    for (const { 0: found, index } of lines.matchAll(marker)) {
      this.#add(lines.slice(from, index));
      from = index;
      // Directives and comments above a document belong to it.
      if (found === "---" && this.#isPrologue()) continue;
      yield* this.end();
      if (found === "...") {
        from = lines.indexOf("\n", index) + 1 || lines.length;
        this.#next++;
        this.#line++;
      }
    }
    this.#add(lines.slice(from));
  }

  *end(): Generator<DocumentText> {
    const text = this.#parts.join("");
    if (text.trim() !== "") yield { text, line: this.#line };
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
