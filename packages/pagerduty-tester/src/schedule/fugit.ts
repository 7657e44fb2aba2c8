/**
 * Translates what the Ruby library fugit understands in a cron pattern and croner does not, where the meaning
 * stays exactly the same; what has no exact equivalent is refused with the nearest one.
 */

const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const months = [
  ...["january", "february", "march", "april", "may", "june", "july"],
  ...["august", "september", "october", "november", "december"],
];

interface Field {
  name: "second" | "minute" | "hour" | "day of month" | "month" | "weekday" | "year";
  lowest: number;
  highest: number;
  names?: { words: string[]; first: number };
}

const minuteOn: Field[] = [
  { name: "minute", lowest: 0, highest: 59 },
  { name: "hour", lowest: 0, highest: 23 },
  { name: "day of month", lowest: 1, highest: 31 },
  { name: "month", lowest: 1, highest: 12, names: { words: months, first: 1 } },
  { name: "weekday", lowest: 0, highest: 6, names: { words: weekdays, first: 0 } },
];
const secondOn: Field[] = [{ name: "second", lowest: 0, highest: 59 }, ...minuteOn];
const yearToo: Field[] = [...secondOn, { name: "year", lowest: 1, highest: 9999 }];

const nicknames: Record<string, string> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@noon": "0 12 * * *",
  "@hourly": "0 * * * *",
};

/**
 * A pattern in croner's syntax with the same meaning.
 *
 * @param pattern cron without a zone; five fields, six with seconds first, seven with years last
 * @throws Error with a sentence when there is no equivalent
 */
export function translate(pattern: string): string {
  if (pattern.startsWith("@")) return nickname(pattern);
  const fields = pattern.split(/\s+/);
  const known = [minuteOn, secondOn, yearToo].find(({ length }) => length === fields.length);
  if (known === undefined) {
    throw new Error(
      `a cron has five fields (minute, hour, day of month, month, weekday) and a time zone, for example "55 6 * * 2#1 America/Los_Angeles"; this one has ${fields.length}`,
    );
  }
  // `&` on either day field asks for both to match; croner says so by a `+` before the weekday.
  const both = fields.some((text) => text.endsWith("&"));
  const translated = fields.map((text, index) =>
    translateField(text.replace(/&$/, ""), known[index] as Field),
  );
  if (both) {
    const weekday = known.findIndex(({ name }) => name === "weekday");
    translated[weekday] = `+${translated[weekday]}`;
  }
  return translated.join(" ");
}

function nickname(text: string): string {
  const pattern = nicknames[text.toLowerCase()];
  if (pattern === undefined) {
    throw new Error(`${text} has no set time; known are ${Object.keys(nicknames).join(", ")}`);
  }
  return pattern;
}

function translateField(text: string, field: Field): string {
  return text
    .split(",")
    .map((item) => {
      // Before names become numbers, so that the refusal is in the writer's words.
      if (field.name === "weekday" && item.includes("%")) throw new Error(everyNthWeek(item));
      return translateItem(withNumbers(item, field), field);
    })
    .join(",");
}

/** Weekday and month names, short or whole, as numbers; croner reads only the short ones. */
function withNumbers(item: string, { names }: Field): string {
  if (names === undefined) return item;
  return item.replace(/[a-z]{3,}/gi, (word) => {
    const index = names.words.findIndex((name) =>
      [name, name.slice(0, 3)].includes(word.toLowerCase()),
    );
    return index < 0 ? word : String(index + names.first);
  });
}

function translateItem(item: string, field: Field): string {
  if (field.name === "weekday") {
    const last = item.match(/^(\d)#(?:-1|last)$/i);
    if (last !== null) return `${last[1]}#L`;
    const fromEnd = item.match(/^(\d)#-\d+$/);
    if (fromEnd !== null) {
      throw new Error(`${item}: only the last weekday of a month can be counted from its end`);
    }
  }
  if (field.name === "day of month") {
    if (/^(-1|last)$/i.test(item)) return "L";
    if (/^-\d+$/.test(item)) {
      throw new Error(`${item}: of the days before a month's end only the last can be named, L`);
    }
  }
  return translateRange(item, field);
}

function translateRange(item: string, { lowest, highest, name }: Field): string {
  const start = item.match(/^(\d+)\/(\d+)$/);
  if (start !== null) return `${start[1]}-${highest}/${start[2]}`;
  const range = item.match(/^(\d+)-(\d+)(?:\/(\d+))?$/);
  if (range === null) return item;
  const [from, to, step] = [Number(range[1]), Number(range[2]), Number(range[3] ?? 1)];
  // A range that goes over the end, 22-2 or fri-mon. Sunday as 7 is croner's own.
  if (from <= to || step < 1 || from > highest || to < lowest || name === "year") return item;
  const values: number[] = [];
  const size = highest - lowest + 1;
  for (let value = from; value <= to + size; value += step) {
    values.push(((value - lowest) % size) + lowest);
  }
  return values.toSorted((a, b) => a - b).join(",");
}

function everyNthWeek(item: string): string {
  const day = item.split("%")[0];
  return `${item}: every nth week cannot be told apart from its neighbours in a month; write the first and third of the month, ${day}#1,${day}#3`;
}
