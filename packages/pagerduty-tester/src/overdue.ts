import { comingRuns, latestRun, type Schedule } from "./schedule/schedule.ts";

/** Runs whose instant has passed: at most one is still made, the others are missed. */
export interface Overdue {
  due?: Date;
  missed: Date[];
}

/** More instants than this are not told one by one. */
const mostTold = 100;

/**
 * What to do about the instants of a schedule that passed while nobody watched.
 *
 * @param since the first instant that was planned and not made; undefined when none was planned before now
 * @param catchUpMs how late a run is still made up for
 */
export function overdueRuns(
  schedule: Schedule,
  since: Date | undefined,
  now: number,
  catchUpMs: number,
): Overdue {
  const latest = latestRun(schedule, new Date(now));
  const due = latest !== undefined && now - latest.getTime() <= catchUpMs ? { due: latest } : {};
  if (since === undefined) return { ...due, missed: [] };
  const missed = comingRuns(schedule, new Date(since.getTime() - 1), mostTold).filter(
    (at) => at.getTime() <= now && at.getTime() !== due.due?.getTime(),
  );
  return { ...due, missed };
}
