import { comingRuns, type Schedule, saysInstant } from "./schedule.ts";

/** A local time with its zone, for people: `Tue 2026-12-01 06:55 America/Los_Angeles`. */
export function formatLocal(at: Date, timeZone: string): string {
  const { weekday, year, month, day, hour, minute } = localParts(at, timeZone);
  return `${weekday} ${year}-${month}-${day} ${hour}:${minute} ${timeZone}`;
}

const aYear = 366 * 24 * 3_600_000;

/**
 * What is most likely not meant by a schedule, one sentence each: it never fires, it fires on either of two
 * kinds of days, it falls into an hour that a change of summer time skips or repeats within a year, it has no
 * zone, it fires far too often.
 */
export function scheduleWarnings(schedule: Schedule, now: Date): string[] {
  const runs = comingRuns(schedule, now, 400).filter((at) => at.getTime() - now.getTime() < aYear);
  if (comingRuns(schedule, now, 1).length === 0) return ["this schedule never fires"];
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
  return inMonth > 10 ? [`fires ${inMonth} times in the next 30 days`] : [];
}

/** Runs at a wall-clock time that is skipped or repeated on some day of the coming year. */
function changes(schedule: Schedule, now: Date): string[] {
  return zoneChanges(schedule.timeZone, now).flatMap(({ at, shift }) => {
    const around = comingRuns(schedule, new Date(at - 4 * anHour), 60).filter(
      (run) => run.getTime() < at + 4 * anHour,
    );
    // Moved to the change's own instant: the time asked for does not exist on that day.
    const inGap = shift > 0 && around.some((run) => run.getTime() === at);
    const inOverlap =
      shift < 0 && around.some((run) => run.getTime() >= at + shift && run.getTime() < at);
    const when = new Date(at).toISOString();
    if (inGap && !saysInstant(schedule, new Date(at))) {
      return [
        `falls into the hour that summer time skips at ${when}; it runs at the end of the gap`,
      ];
    }
    return inOverlap
      ? [
          `falls into the hour that the end of summer time repeats at ${when}; a fixed time runs in its first pass`,
        ]
      : [];
  });
}

const anHour = 3_600_000;

/** When the zone's offset changes in the coming year, and by how many milliseconds. */
function zoneChanges(timeZone: string, now: Date): { at: number; shift: number }[] {
  const found: { at: number; shift: number }[] = [];
  const day = 24 * anHour;
  let start = now.getTime();
  for (const end = start + aYear; start < end; start += day) {
    const shift = offsetOf(start + day, timeZone) - offsetOf(start, timeZone);
    if (shift === 0) continue;
    let [low, high] = [start, start + day];
    while (high - low > 60_000) {
      const middle = (low + high) / 2;
      if (offsetOf(middle, timeZone) === offsetOf(low, timeZone)) low = middle;
      else high = middle;
    }
    found.push({ at: Math.floor(high / 60_000) * 60_000, shift });
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
