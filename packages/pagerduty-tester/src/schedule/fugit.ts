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
  const weekday = known.findIndex(({ name }) => name === "weekday");
  // `&` on either day field asks for both to match; croner says so by a `+` before the weekday.
  const both = fields.some((text) => text.endsWith("&")) || fields[weekday]?.startsWith("+");
  const translated = fields.map((text, index) =>
    translateField(text.replace(index === weekday ? /^\+|&$/g : /&$/, ""), known[index] as Field),
  );
  // Beside a field that takes any day it says nothing.
  if (both && translated[weekday] !== "*" && translated[weekday - 2] !== "*") {
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
  const items = text.split(",").filter((item) => item !== "");
  if (items.length === 0) throw new Error(`the ${field.name} is empty; * stands for any`);
  return items
    .map((item) => {
      // Before names become numbers, so that the refusal is in the writer's words.
      if (field.name === "weekday" && item.includes("%")) throw new Error(everyNthWeek(item));
      if (item.includes("~")) throw new Error(random(item, field));
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
  return translateRange(field.name === "day of month" ? monthsEnd(item) : item, field);
}

/** Days counted from the end of the month: the last alone has an equivalent, and as a range's end it is the 31st. */
function monthsEnd(item: string): string {
  if (/^(-1|last|l)$/i.test(item)) return "L";
  if (item.startsWith("-")) {
    throw new Error(`${item}: of the days before a month's end only the last can be named, L`);
  }
  return item.replace(/-(-1|last|l)(?=$|\/)/i, "-31");
}

function translateRange(item: string, field: Field): string {
  const { lowest, highest, name } = field;
  const match = item.replace(/^\//, "*/").match(/^(\*|\d+)(?:-(\d+))?(?:\/(\d+))?$/);
  if (match === null) return item;
  const [whole, start, end, step] = match as unknown as [string, string, ...(string | undefined)[]];
  const from = start === "*" ? lowest : inField(start, field);
  if (end === undefined && step === undefined) return from === 24 && name === "hour" ? "0" : whole;
  if (end === undefined && start !== "*" && name === "weekday") throw new Error(fromWeekday(item));
  const to = end === undefined ? highest : inField(end, field);
  const size = highest - lowest + 1;
  const by = Number(step ?? 1);
  const goesOver = from > to || (name === "hour" && to === 24);
  // What croner reads itself, and what nobody does.
  if (by < 1 || name === "year" || (!goesOver && by <= size)) {
    return end === undefined && start !== "*" ? `${from}-${to}/${step}` : whole;
  }
  const values = new Set<number>();
  for (let value = from; value <= (from > to ? to + size : to); value += by) {
    values.add(((value - lowest) % size) + lowest);
  }
  return [...values].sort((a, b) => a - b).join(",");
}

/** Sunday is 0 and 7, midnight 0 and 24. */
function inField(digits: string, { lowest, highest, name }: Field): number {
  const value = Number(digits);
  const most = name === "weekday" ? 7 : name === "hour" ? 24 : highest;
  if (value < lowest || value > most) {
    throw new Error(`${digits} is no ${name}; those go from ${lowest} to ${highest}`);
  }
  return value;
}

function fromWeekday(item: string): string {
  const [day, step] = item.split("/");
  return `${item}: some read this as ${day} alone, some as ${day}-6/${step}; write the one that is meant`;
}

function random(item: string, { name }: Field): string {
  return `${item}: a random ${name} would be another after each restart; write a fixed one`;
}

function everyNthWeek(item: string): string {
  const day = item.split("%")[0];
  return `${item}: every nth week cannot be told apart from its neighbours in a month; write the first and third of the month, ${day}#1,${day}#3`;
}
