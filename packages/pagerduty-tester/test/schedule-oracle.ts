/**
 * When a schedule fires, reckoned from the wall clock alone: every minute of a window is looked at with `Intl`, and
 * compared with what the fields ask for. It shares nothing with the code under test, croner included.
 */

/** A field as sets of numbers; the oracle never reads cron's syntax. */
export interface Fields {
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  months: ReadonlySet<number>;
  /** Undefined for any day. */
  monthDay?: (day: LocalDay) => boolean;
  weekday?: (day: LocalDay) => boolean;
  /** Whether both day fields have to match; either one is enough else. */
  both?: boolean;
  /** One minute of one hour: moved out of a gap, and not repeated. */
  fixed: boolean;
}

/** A day on a wall clock. */
export interface LocalDay {
  year: number;
  month: number;
  day: number;
  /** 0 is Sunday. */
  weekday: number;
  length: number;
}

interface LocalMinute {
  at: number;
  /** Days since 1970 on the wall clock, and minutes since its midnight. */
  day: number;
  minute: number;
}

const minuteMs = 60_000;
const step = 15;

/** Every minute of a window as the wall clock shows it. */
export function wallClock(timeZone: string, from: number, to: number): LocalMinute[] {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    dateStyle: "short",
    timeStyle: "short",
  });
  const read = (at: number): number => Date.parse(`${format.format(at).replace(" ", "T")}Z`);
  const minutes: LocalMinute[] = [];
  const add = (at: number, local: number) => {
    const day = Math.floor(local / 86_400_000);
    minutes.push({ at, day, minute: (local - day * 86_400_000) / minuteMs });
  };
  for (let at = from; at < to; at += step * minuteMs) {
    const local = read(at);
    // A quarter of an hour in which the clock was not set needs no further look.
    const steady = read(at + step * minuteMs) - local === step * minuteMs;
    for (let index = 0; index < step; index += 1) {
      const instant = at + index * minuteMs;
      add(instant, steady ? local + index * minuteMs : read(instant));
    }
  }
  return minutes;
}

/** The instants of a window at which the fields fire. */
export function reckon(clock: readonly LocalMinute[], fields: Fields): number[] {
  return fields.fixed ? reckonFixed(clock, fields) : reckonAll(clock, fields);
}

function reckonAll(clock: readonly LocalMinute[], fields: Fields): number[] {
  return clock
    .filter(
      ({ day, minute }) =>
        fields.minutes.has(minute % 60) &&
        fields.hours.has(Math.floor(minute / 60)) &&
        firesOn(localDay(day), fields),
    )
    .map(({ at }) => at);
}

/** The first pass of the wanted time; when the day has no such time, the first instant of it that is later. */
function reckonFixed(clock: readonly LocalMinute[], fields: Fields): number[] {
  const [minute = 0] = fields.minutes;
  const [hour = 0] = fields.hours;
  const wanted = hour * 60 + minute;
  const days = new Map<number, LocalMinute[]>();
  for (const each of clock) {
    const known = days.get(each.day);
    if (known === undefined) days.set(each.day, [each]);
    else known.push(each);
  }
  return [...days].flatMap(([day, minutes]) => {
    if (!firesOn(localDay(day), fields)) return [];
    const found =
      minutes.find((each) => each.minute === wanted) ??
      minutes.find((each) => each.minute > wanted);
    return found === undefined ? [] : [found.at];
  });
}

function firesOn(day: LocalDay, { months, monthDay, weekday, both }: Fields): boolean {
  if (!months.has(day.month)) return false;
  if (monthDay === undefined) return weekday?.(day) ?? true;
  if (weekday === undefined) return monthDay(day);
  return both ? monthDay(day) && weekday(day) : monthDay(day) || weekday(day);
}

const known = new Map<number, LocalDay>();

function localDay(number: number): LocalDay {
  const found = known.get(number);
  if (found !== undefined) return found;
  const date = new Date(number * 86_400_000);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + 1];
  const day = {
    ...{ year, month, day: date.getUTCDate(), weekday: date.getUTCDay() },
    length: new Date(Date.UTC(year, month, 0)).getUTCDate(),
  };
  known.set(number, day);
  return day;
}
