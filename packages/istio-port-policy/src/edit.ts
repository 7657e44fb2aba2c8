import { isDeepStrictEqual } from "node:util";
import { EVENT_ID, type Event, getScalarValue } from "js-yaml";
import { eventsOf, nodesOf } from "./input/locate.ts";
import { type Addition, type Insertion, insertAll, insertionOf } from "./insertion.ts";

/**
 * Adds fields to one document, each in the style of the mapping it goes into. An addition that the document does
 * not take without a change somewhere else is left out.
 *
 * @param text a document that can be parsed
 */
export function addAppProtocols(
  text: string,
  additions: readonly Addition[],
): { text: string; added: ReadonlySet<Addition> } {
  if (additions.length === 0) return { text, added: new Set() };
  const root = nodesOf(text);
  if (root === undefined) return { text, added: new Set() };
  const possible = additions
    .flatMap((addition) => insertionOf(text, root, addition) ?? [])
    .toSorted((a, b) => a.at - b.at);
  const harmless = harmlessOf(text, possible);
  return {
    text: insertAll(text, harmless),
    added: new Set(harmless.map(({ addition }) => addition)),
  };
}

/** The insertions that change what they are meant to change alone. Halving finds the others in few parses. */
function harmlessOf(text: string, insertions: Insertion[]): Insertion[] {
  if (insertions.length === 0 || changeNothingElse(text, insertions)) return insertions;
  if (insertions.length === 1) return [];
  const middle = insertions.length >> 1;
  const halves = [insertions.slice(0, middle), insertions.slice(middle)];
  const harmless = halves.flatMap((half) => harmlessOf(text, half));
  return changeNothingElse(text, harmless) ? harmless : [];
}

/**
 * Whether the parser comes upon the same things as before, and upon each new field right behind the value it
 * follows. Values are not compared: aliases make them as large as they like.
 */
function changeNothingElse(text: string, insertions: readonly Insertion[]): boolean {
  const edited = insertAll(text, insertions);
  const events = eventsOf(edited);
  if (events === undefined) return false;
  const fields = fieldsOf(insertions);
  const isKey = (event: Event | undefined) =>
    event?.type === EVENT_ID.SCALAR && fields.has(event.valueStart);
  const isGood = (key: Event, index: number) => {
    const value = events[index + 1];
    return (
      key.type === EVENT_ID.SCALAR &&
      events[index - 1]?.type === EVENT_ID.SCALAR &&
      value?.type === EVENT_ID.SCALAR &&
      getScalarValue(edited, value) === fields.get(key.valueStart)
    );
  };
  const good = events.filter((event, index) => isKey(event) && isGood(event, index));
  const others = events.filter((event, index) => !isKey(event) && !isKey(events[index - 1]));
  return (
    good.length === insertions.length &&
    isDeepStrictEqual(
      others.map((event) => signatureOf(edited, event)),
      eventsOf(text)?.map((event) => signatureOf(text, event)),
    )
  );
}

/** The values of the new fields by where their keys stand in the edited text. */
function fieldsOf(insertions: readonly Insertion[]): Map<number, string> {
  let shift = 0;
  return new Map(
    insertions.map(({ addition, at, text }) => {
      const key = at + shift + text.indexOf("appProtocol");
      shift += text.length;
      return [key, addition.appProtocol];
    }),
  );
}

/** An event without its offsets: equal for equal texts. */
function signatureOf(text: string, event: Event): string {
  if (event.type === EVENT_ID.DOCUMENT) return JSON.stringify(event);
  const { type, style, anchorStart, anchorEnd, tagStart, tagEnd, valueStart, valueEnd } =
    event as Partial<Extract<Event, { type: typeof EVENT_ID.SCALAR }>>;
  const part = (start = -1, end = -1) => (start < 0 ? "" : text.slice(start, end));
  const parts = [part(anchorStart, anchorEnd), part(tagStart, tagEnd), part(valueStart, valueEnd)];
  return JSON.stringify([type, style, ...parts]);
}
