import { type LargeList, ListItems } from "./large-list.ts";
import { BrokenDocument, parseDocument } from "./parse.ts";
import type { ListHead } from "./resources.ts";
import type { DocumentText } from "./split.ts";

/** A YAML mapping with `items` in lines of their own, as `kubectl get -o yaml` prints it. */
export class YamlList implements LargeList {
  line: number;
  /** The column of the items' dashes, from 0. */
  readonly #dash: number;
  readonly #items = new ListItems();
  /** The text of the item that has begun, or of what is behind them all. */
  #parts: string[] = [];
  #partsLine: number;
  #isBehindItems = false;
  #unended = "";

  private constructor(line: number, dash: number) {
    this.line = line;
    this.#partsLine = line;
    this.#dash = dash;
  }

  /**
   * Begins to read a text that is such a mapping; none when it is something else.
   *
   * @param text the first lines of a document, its items begun
   * @param line the line it begins on
   */
  static begin(text: string, line: number): { list: YamlList; rest: string } | undefined {
    const begun = /^items:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*(?= *-[ \t\r\n])/m.exec(text);
    if (begun === null) return undefined;
    const start = begun.index + begun[0].length;
    const [head, rest] = [text.slice(0, start), text.slice(start)];
    const fields = fieldsOf(head);
    if (fields === undefined || fields["items"] !== null) return undefined;
    const list = new YamlList(line + head.split("\n").length - 1, rest.indexOf("-"));
    list.#items.learn(fields);
    return { list, rest };
  }

  *take(chunk: string): Generator<DocumentText, string | undefined> {
    const text = this.#unended + chunk;
    let taken = 0;
    let at = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", at)) {
      const begins = this.#beginning(text, at);
      if (begins !== undefined) {
        this.#parts.push(text.slice(taken, at));
        taken = at;
        yield* this.#finish();
        if (begins === "document") {
          yield* this.#items.end();
          return text.slice(at);
        }
        this.#isBehindItems = begins === "other";
      }
      at = end + 1;
      this.line++;
    }
    this.#parts.push(text.slice(taken, at));
    this.#unended = text.slice(at);
    return undefined;
  }

  *end(): Generator<DocumentText> {
    const last = this.#unended;
    const begins = this.#beginning(last, 0);
    if (begins !== undefined) yield* this.#finish();
    this.#isBehindItems ||= begins === "other";
    if (begins !== "document") this.#parts.push(last);
    yield* this.#finish();
    yield* this.#items.end();
    if (begins === "document") yield { text: last, line: this.line, column: 1 };
  }

  /** What a line begins: an item, what is behind the items, another document; nothing when it goes on. */
  #beginning(text: string, lineStart: number): "item" | "other" | "document" | undefined {
    let at = lineStart;
    while (text.charCodeAt(at) === 32) at++;
    const column = at - lineStart;
    if (column > this.#dash) return undefined;
    marker.lastIndex = lineStart;
    if (column === 0 && marker.test(text)) return "document";
    if (this.#isBehindItems || /^[#\r\n]?$/.test(text.charAt(at))) return undefined;
    return column === this.#dash && /^-(?:\s|$)/.test(text.slice(at, at + 2)) ? "item" : "other";
  }

  *#finish(): Generator<DocumentText> {
    const text = this.#parts.join("");
    const document = { text, line: this.#partsLine, column: 1 };
    this.#parts = [];
    this.#partsLine = this.line;
    if (text === "") return;
    if (!this.#isBehindItems) {
      yield* this.#items.add(document, [0]);
      return;
    }
    const fields = fieldsOf(text);
    if (fields === undefined) yield document;
    else this.#items.learn(fields);
  }
}

const marker = /\ufeff?(?:---|\.\.\.)(?=\s|$)/y;

/** The fields of a mapping; none of what is another thing, or broken. */
function fieldsOf(text: string): (ListHead & Record<string, unknown>) | undefined {
  try {
    const value = parseDocument(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch (error) {
    if (error instanceof BrokenDocument) return undefined;
    throw error;
  }
}
