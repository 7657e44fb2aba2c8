import { Cron } from "croner";
import { translate } from "./fugit.ts";
import { hostTimeZone, timeZoneProblem } from "./time-zone.ts";

/** A cron pattern that was understood. */
export interface Schedule {
  /** As written, zone included. */
  source: string;
  /** In croner's syntax, without the zone. */
  pattern: string;
  /** The IANA zone its fields are in. */
  timeZone: string;
  /** False when neither the pattern nor an option named the zone, so that it is this machine's. */
  zoneGiven: boolean;
}

/** A cron pattern that cannot be used; the message says why and what to write instead. */
export class ScheduleError extends Error {
  override name = "ScheduleError";
  readonly code: string = "SCHEDULE";
}

/**
 * Understands a cron pattern whose last field may be its time zone.
 *
 * @param cron `55 6 * * 2#1 America/Los_Angeles`; what only fugit knows is translated where that is exact
 * @param timeZone wins over the zone that ends the pattern
 * @throws ScheduleError
 */
export function parseSchedule(cron: string, timeZone?: string): Schedule {
  const refuse = (message: string) => new ScheduleError(`"${cron}": ${message}`);
  // `@every 5m` and `every day at noon` would be looked at for a time zone first.
  if (/^@?every\b/i.test(cron.trim())) {
    throw refuse('intervals and words have no cron; write one such as "0 12 * * * Europe/Berlin"');
  }
  const { pattern, zone } = splitZone(cron.trim());
  const chosen = timeZone ?? zone;
  const problem = chosen === undefined ? undefined : timeZoneProblem(chosen);
  if (problem !== undefined) throw refuse(problem);
  const inZone = chosen ?? hostTimeZone();
  try {
    const schedule = {
      source: cron,
      pattern: translate(pattern),
      timeZone: inZone,
      zoneGiven: chosen !== undefined,
    };
    jobOf(schedule);
    return schedule;
  } catch (error) {
    throw refuse((error as Error).message.replace(/^CronPattern: /, ""));
  }
}

/**
 * The coming instants of a cron pattern.
 *
 * At a change to summer time a job at one fixed time runs at the first valid instant after the gap; at the
 * change back it runs once, on the first pass.
 *
 * @param cron five fields (six with seconds first) and, last, the time zone
 * @param options.from the instants are strictly after it
 * @param options.count how many; fewer come back when the schedule ends
 * @param options.timeZone wins over a zone that ends the pattern; with neither it is this machine's
 * @throws ScheduleError when the pattern or the zone cannot be understood
 * @throws RangeError when `from` is no date, or `count` no number from 0
 */
export function nextRuns(
  cron: string,
  options: { from: Date; count: number; timeZone?: string },
): Date[] {
  const { from, count, timeZone } = options;
  if (Number.isNaN(new Date(from).getTime())) throw new RangeError("from is no date");
  if (!(count >= 0)) throw new RangeError(`count is ${count}, expected a number from 0`);
  return comingRuns(parseSchedule(cron, timeZone), from, count);
}

/** {@link nextRuns} of a schedule that was parsed already. */
export function comingRuns(schedule: Schedule, from: Date, count: number): Date[] {
  return jobOf(schedule).nextRuns(count, from);
}

/** The coming instants up to `until`, at most so many. */
export function runsUntil(schedule: Schedule, from: Date, until: Date, most: number): Date[] {
  const job = jobOf(schedule);
  const runs: Date[] = [];
  // One by one: a yearly schedule is not followed for as many years.
  for (let at = job.nextRun(from); at !== null && at <= until; at = job.nextRun(at)) {
    runs.push(at);
    if (runs.length === most) break;
  }
  return runs;
}

/** The latest instant at or before `now`, or undefined when the schedule never fired yet. */
export function latestRun(schedule: Schedule, now: Date): Date | undefined {
  // croner looks strictly before the instant it is given.
  return jobOf(schedule).previousRuns(1, new Date(now.getTime() + 1))[0];
}

/** Whether the instant is what the pattern says on the wall clock, and not one that a change of summer time moved. */
export function saysInstant(schedule: Schedule, at: Date): boolean {
  return jobOf(schedule).match(at);
}

// A job of croner's holds no state, takes some 90 kB and is made in a tenth of a millisecond: the last one is kept for
// calls that follow one another, not one for each of ten thousand people.
let last: { key: string; job: Cron } | undefined;

function jobOf({ pattern, timeZone }: Schedule): Cron {
  const key = `${pattern} ${timeZone}`;
  if (last?.key !== key)
    last = { key, job: new Cron(pattern, { timezone: timeZone, paused: true }) };
  return last.job;
}

const names =
  "sun|mon|tue|wed|thu|fri|sat|sunday|monday|tuesday|wednesday|thursday|friday|saturday|" +
  "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|january|february|march|april|june|july|august|" +
  "september|october|november|december|last";
const field = new RegExp(`^(?:[\\d*,\\-/#?LW+&%]|(?<![a-z])(?:${names})(?![a-z]|/[a-z]))+$`, "i");
// In place of a zone it is refused with what to write; no field looks like it.
const offset = /^[+-]\d{2}:?\d{2}$/;
// This one does, like a weekday that has to match too; beside any day of the month nobody asks for that.
const shortOffset = /^\S+ \S+ \S+ [*?] \S+ [+-]\d{1,2}$/;

function splitZone(cron: string): { pattern: string; zone?: string } {
  const split = cron.search(/\s+\S+$/);
  const last = cron.slice(split).trim();
  const isOffset = offset.test(last) || shortOffset.test(cron.replace(/\s+/g, " "));
  if (split < 0 || (field.test(last) && !isOffset)) return { pattern: cron };
  return { pattern: cron.slice(0, split), zone: last };
}
