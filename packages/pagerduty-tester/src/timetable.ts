import type { TestedUser } from "./config.ts";
import { comingRuns } from "./schedule/schedule.ts";

/** The next instant of every person, the earliest first. */
export interface Timetable {
  /** The earliest instant, in milliseconds since 1970; infinite when nothing ever comes. */
  next(): number;
  /** Takes out everybody whose instant has come, and puts in their next one after `now`. */
  takeDue(now: number): { user: TestedUser; at: Date }[];
  /** Everybody's next instant. */
  entries(): readonly { user: TestedUser; at: Date }[];
}

/** @param now the instants are strictly after it, in milliseconds since 1970 */
export function createTimetable(users: readonly TestedUser[], now: number): Timetable {
  const first = (user: TestedUser, after: number) => {
    const [at] = comingRuns(user.schedule, new Date(after), 1);
    return at === undefined ? [] : [{ user, at }];
  };
  const entries = users
    .flatMap((user) => first(user, now))
    .sort((a, b) => a.at.getTime() - b.at.getTime());
  return {
    next: () => entries[0]?.at.getTime() ?? Number.POSITIVE_INFINITY,
    entries: () => entries,
    takeDue: (instant) => {
      const later = entries.findIndex(({ at }) => at.getTime() > instant);
      const due = entries.splice(0, later < 0 ? entries.length : later);
      for (const { user } of due) {
        for (const entry of first(user, instant)) insert(entries, entry);
      }
      return due;
    },
  };
}

function insert<T extends { at: Date }>(sorted: T[], entry: T): void {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.at.getTime() ?? 0) <= entry.at.getTime()) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, entry);
}
