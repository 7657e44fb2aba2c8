import { type LargeList, ListItems } from "./large-list.ts";
import { BrokenDocument } from "./parse.ts";
import type { DocumentText } from "./split.ts";

/** What comes next: the List's object, something in it, something among its items, or nothing. */
type Expected = "list" | "key" | "colon" | "value" | "comma" | "item" | "itemComma" | "nothing";

/** The marks that may come, and what comes behind each; whatever else comes has to begin a value. */
const marks: Readonly<Record<Expected, Readonly<Record<string, Expected>>>> = {
  list: { "{": "key" },
  key: { "}": "nothing" },
  colon: { ":": "value" },
  value: {},
  comma: { ",": "key", "}": "nothing" },
  item: { "]": "comma" },
  itemComma: { ",": "item", "]": "comma" },
  nothing: {},
};

/** A JSON object with `items`, as `kubectl get -o json` prints it. */
export class JsonList implements LargeList {
  line: number;
  #column = 1;
  /** Whether the items have begun. */
  #isList = false;
  #isBroken = false;
  readonly #items = new ListItems();
  #expected: Expected = "list";
  #key: unknown;
  #value: OpenValue | undefined;
  /** Where the value begins. */
  #place = { line: 1, column: 1 };

  private constructor(line: number) {
    this.line = line;
  }

  /**
   * Begins to read a text that is such an object; none when it is something else.
   *
   * @param text the first part of a document, its items begun
   * @param line the line it begins on
   */
  static begin(text: string, line: number): { list: JsonList; rest: string } | undefined {
    const probe = new JsonList(line);
    probe.take(text).next();
    return probe.#isList ? { list: new JsonList(line), rest: text } : undefined;
  }

  *take(chunk: string): Generator<DocumentText, string | undefined> {
    let at = 0;
    while (!this.#isBroken) {
      if (this.#value === undefined) {
        at = this.#pass(chunk, at, search(/[^ \t\r\n]/g, chunk, at));
        if (at === chunk.length) return undefined;
        if (this.#takeMark(chunk.charAt(at))) {
          at = this.#pass(chunk, at, at + 1);
          if (this.#expected !== "nothing") continue;
          yield* this.#items.end();
          return chunk.slice(at);
        }
        if (!this.#mayBegin(chunk.charAt(at))) {
          yield* this.#break(`expected no ${JSON.stringify(chunk.charAt(at))} here`);
          return undefined;
        }
        this.#value = new OpenValue();
        this.#place = { line: this.line, column: this.#column };
      }
      at = this.#pass(chunk, at, this.#value.take(chunk, at));
      if (!this.#value.isComplete) return undefined;
      yield* this.#takeValue(this.#value.text());
      this.#value = undefined;
    }
    return undefined;
  }

  *end(): Generator<DocumentText> {
    if (!this.#isBroken) yield* this.#break("the List does not end");
  }

  #takeMark(mark: string): boolean {
    const isItems = this.#expected === "value" && this.#key === "items" && mark === "[";
    if (isItems) this.#isList = true;
    const next = isItems ? "item" : marks[this.#expected][mark];
    if (next === undefined) return false;
    this.#expected = next;
    return true;
  }

  #mayBegin(first: string): boolean {
    if (this.#expected === "key") return first === '"';
    return (this.#expected === "value" || this.#expected === "item") && !/[,:\]}]/.test(first);
  }

  *#takeValue(text: string): Generator<DocumentText> {
    if (this.#expected === "key") {
      this.#key = parsed(text);
      this.#expected = "colon";
    } else if (this.#expected === "value") {
      if (this.#key === "kind") this.#items.learn({ kind: parsed(text) });
      if (this.#key === "apiVersion") this.#items.learn({ apiVersion: parsed(text) });
      this.#expected = "comma";
    } else {
      this.#expected = "itemComma";
      yield* this.#items.add({ text, ...this.#place }, []);
    }
  }

  /** Gives the mistake; nothing behind it can be made out. */
  *#break(why: string): Generator<DocumentText> {
    this.#isBroken = true;
    yield* this.#items.end();
    const broken = new BrokenDocument(`no valid JSON: ${why}; nothing behind it was read`, 1, 1);
    yield { text: "", line: this.line, column: this.#column, broken };
  }

  /** Counts lines and columns of what was taken, and gives its end. */
  #pass(chunk: string, from: number, to: number): number {
    const passed = chunk.slice(from, to);
    for (let at = passed.indexOf("\n"); at >= 0; at = passed.indexOf("\n", at + 1)) this.line++;
    const lineStart = passed.lastIndexOf("\n") + 1;
    this.#column = (lineStart === 0 ? this.#column : 1) + passed.length - lineStart;
    return to;
  }
}

/** A value that comes in pieces. */
class OpenValue {
  isComplete = false;
  readonly #parts: string[] = [];
  #depth = 0;
  #isText = false;
  #isEscaped = false;

  /** Takes what of a piece belongs to the value, and gives the offset behind it. */
  take(chunk: string, from: number): number {
    let at = from;
    while (at < chunk.length && !this.isComplete)
      at = Math.min(chunk.length, this.#step(chunk, at));
    this.#parts.push(chunk.slice(from, at));
    return at;
  }

  text(): string {
    return this.#parts.join("");
  }

  #step(chunk: string, from: number): number {
    if (this.#isEscaped) {
      this.#isEscaped = false;
      return from + 1;
    }
    if (this.#isText) {
      const at = search(/["\\]/g, chunk, from);
      this.#isEscaped = chunk[at] === "\\";
      this.#isText = chunk[at] !== '"';
      if (!this.#isText) this.isComplete = this.#depth === 0;
      return at + 1;
    }
    const isFirst = this.#parts.length === 0 && this.#depth === 0;
    if (this.#depth === 0 && !(isFirst && /["{[]/.test(chunk.charAt(from)))) {
      const at = search(/[\s,\]}]/g, chunk, from);
      this.isComplete = at < chunk.length;
      return at;
    }
    const at = search(/["{}[\]]/g, chunk, from);
    const mark = chunk[at];
    if (mark === '"') this.#isText = true;
    else if (mark === "{" || mark === "[") this.#depth++;
    else if (mark !== undefined) this.isComplete = --this.#depth === 0;
    return at + 1;
  }
}

/** The offset of the first match from another on, or the text's end. */
function search(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
