import { comingRuns, runsUntil, type Schedule, saysInstant } from "./schedule.ts";

/** A local time with its zone, for people: `Tue 2026-12-01 06:55 America/Los_Angeles`. */
export function formatLocal(at: Date, timeZone: string): string {
  const { weekday, year, month, day, hour, minute } = localParts(at, timeZone);
  return `${weekday} ${year}-${month}-${day} ${hour}:${minute} ${timeZone}`;
}

const mostRuns = 400;
const aYear = 366 * 24 * 3_600_000;

/**
 * What is most likely not meant by a schedule, one sentence each: it never fires, it fires on either of two
 * kinds of days, it falls into an hour that a change of summer time skips or repeats within a year, it has no
 * zone, it fires far too often.
 */
export function scheduleWarnings(schedule: Schedule, now: Date): string[] {
  const runs = runsUntil(schedule, now, new Date(now.getTime() + aYear), mostRuns);
  if (runs.length === 0 && comingRuns(schedule, now, 1).length === 0)
    return ["this schedule never fires"];
  return [
    ...noZone(schedule),
    ...eitherDay(schedule, runs),
    ...tooOften(runs, now),
    ...changes(schedule, now),
  ];
}

function noZone({ zoneGiven, timeZone }: Schedule): string[] {
  if (zoneGiven) return [];
  return [`no time zone is given; this machine's, ${timeZone}, is used`];
}

function eitherDay({ pattern, timeZone }: Schedule, runs: Date[]): string[] {
  const fields = pattern.split(" ");
  const [day = "*", , weekday = "*"] = fields.length === 5 ? fields.slice(2) : fields.slice(3);
  const any = (field: string) => field === "*" || field === "?";
  if (any(day) || any(weekday) || weekday.startsWith("+")) return [];
  const first = runs.slice(0, 3).map((at) => formatLocal(at, timeZone).slice(0, 14));
  return [
    `fires on days ${day} of the month and also on every weekday ${weekday} (${first.join(", ")}); for the first Tuesday of a month write 2#1, for both to match +${weekday}`,
  ];
}

const aMonth = 30 * 24 * 3_600_000;

function tooOften(runs: Date[], now: Date): string[] {
  const inMonth = runs.filter((at) => at.getTime() - now.getTime() < aMonth).length;
  const count = inMonth === mostRuns ? `${inMonth} times and more` : `${inMonth} times`;
  return inMonth > 10 ? [`fires ${count} in the next 30 days`] : [];
}

/** Runs at a wall-clock time that is skipped or repeated on some day of the coming year. */
function changes(schedule: Schedule, now: Date): string[] {
  const { timeZone } = schedule;
  return zoneChanges(timeZone, now).flatMap(({ at, before, after }) => {
    const [from, to] = [at + Math.min(before, after), at + Math.max(before, after)];
    if (!asksFor(schedule, from, to)) return [];
    const span = `${wall(from)} to ${wall(to).slice(11)} ${timeZone}`;
    const [next] = comingRuns(schedule, new Date(at - 1), 1);
    const instant = next?.getTime() ?? Number.POSITIVE_INFINITY;
    if (after > before) {
      const moved = instant === at && !saysInstant(schedule, new Date(at));
      const what = moved ? `runs at the end of it, ${iso(at)}` : "does not run then";
      return [`asks for a time from ${span}, which summer time skips: it ${what}`];
    }
    const twice = instant < at + before - after;
    const what = twice ? "runs in both passes" : "runs in the first pass";
    return [`asks for a time from ${span}, which the end of summer time repeats: it ${what}`];
  });
}

/** Whether the pattern asks for a time of that span of the wall clock, given as if it were UTC. */
function asksFor(schedule: Schedule, from: number, to: number): boolean {
  const [asked] = comingRuns({ ...schedule, timeZone: "UTC" }, new Date(from - 1), 1);
  return asked !== undefined && asked.getTime() < to;
}

const iso = (at: number): string => new Date(at).toISOString().replace(".000Z", "Z");
const wall = (at: number): string => iso(at).slice(0, 16).replace("T", " ");

const anHour = 3_600_000;

interface ZoneChange {
  at: number;
  /** The offsets around it: how many milliseconds the wall clock is ahead of UTC. */
  before: number;
  after: number;
}

// A year of look-ups each, and thousands of people share a zone.
const lastChanges = new Map<string, { now: number; changes: ZoneChange[] }>();

/** When the zone's offset changes in the coming year. */
function zoneChanges(timeZone: string, now: Date): ZoneChange[] {
  const last = lastChanges.get(timeZone);
  if (last?.now === now.getTime()) return last.changes;
  const changes = findChanges(timeZone, now);
  lastChanges.set(timeZone, { now: now.getTime(), changes });
  return changes;
}

function findChanges(timeZone: string, now: Date): ZoneChange[] {
  const found: ZoneChange[] = [];
  const day = 24 * anHour;
  let start = now.getTime();
  for (const end = start + aYear; start < end; start += day) {
    const [before, after] = [offsetOf(start, timeZone), offsetOf(start + day, timeZone)];
    if (before === after) continue;
    let [low, high] = [start, start + day];
    while (high - low > 60_000) {
      const middle = (low + high) / 2;
      if (offsetOf(middle, timeZone) === before) low = middle;
      else high = middle;
    }
    found.push({ at: Math.floor(high / 60_000) * 60_000, before, after });
  }
  return found;
}

function offsetOf(instant: number, timeZone: string): number {
  const { year, month, day, hour, minute, second } = localParts(new Date(instant), timeZone);
  const local = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return local - Math.floor(instant / 1000) * 1000;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function localParts(at: Date, timeZone: string): Record<Intl.DateTimeFormatPartTypes, string> {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-GB", {
      ...{ timeZone, weekday: "short", year: "numeric", month: "2-digit", day: "2-digit" },
      ...{ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
    });
    formatters.set(timeZone, formatter);
  }
  const parts = formatter.formatToParts(at).map(({ type, value }) => [type, value]);
  return Object.fromEntries(parts) as Record<Intl.DateTimeFormatPartTypes, string>;
}
