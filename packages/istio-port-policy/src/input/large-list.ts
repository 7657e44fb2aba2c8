import { BrokenDocument, parseDocument } from "./parse.ts";
import type { ListHead } from "./resources.ts";
import type { DocumentText } from "./split.ts";

/** Reads a List that is too large to be held, an item at a time. */
export interface LargeList {
  /** The line that what comes next begins on. */
  readonly line: number;
  /** Takes the next piece of a text, gives the items it completes, and returns what is behind the List's end. */
  take(chunk: string): Generator<DocumentText, string | undefined>;
  /** Gives what the end of the text completes. */
  end(): Generator<DocumentText>;
}

/**
 * The items of a List in their order. One that leaves out its kind or `apiVersion`, and all behind it, wait for what
 * the List says of them, which may stand behind its items.
 */
export class ListItems {
  readonly #head: ListHead = {};
  #waiting: DocumentText[] = [];

  /** Learns a field of the List itself. */
  learn(fields: ListHead): void {
    this.#head.kind ??= fields.kind;
    this.#head.apiVersion ??= fields.apiVersion;
  }

  /** @param path leads to the item in a text of its own */
  *add({ text, line, column }: DocumentText, path: number[]): Generator<DocumentText> {
    try {
      const document = parseDocument(text);
      const value = path.reduce((found, index) => (found as unknown[])[index], document);
      this.#waiting.push({ text, line, column, item: { value, path, list: this.#head } });
      if (this.#waiting.length === 1 && this.#isKnown(value)) yield* this.end();
    } catch (error) {
      if (!(error instanceof BrokenDocument)) throw error;
      yield { text, line, column }; // who reads it comes upon the same mistake, and tells it
    }
  }

  *end(): Generator<DocumentText> {
    yield* this.#waiting;
    this.#waiting = [];
  }

  #isKnown(item: unknown): boolean {
    const { kind, apiVersion } = (item ?? {}) as ListHead;
    return (kind ?? this.#head.kind) != null && (apiVersion ?? this.#head.apiVersion) != null;
  }
}
