import { type Clock, systemClock } from "./clock.ts";
import type { Config, TestedUser } from "./config.ts";
import { overdueRuns } from "./overdue.ts";
import { createTimetable } from "./timetable.ts";

/** Tells who would be paged, now and, unless `once`, until the signal aborts. */
export async function dryRun(
  config: Config,
  options: {
    once: boolean;
    signal: AbortSignal;
    onDue: (entry: { user: TestedUser; at: Date }) => Promise<void>;
    clock?: Clock;
  },
): Promise<void> {
  const { once, signal, onDue, clock = systemClock } = options;
  const start = clock.now();
  for (const user of config.users) {
    const { due } = overdueRuns(user.schedule, undefined, start, config.catchUpMs);
    if (due !== undefined) await onDue({ user, at: due });
  }
  const timetable = createTimetable(config.users, start);
  while (!once) {
    await clock.sleep(Math.min(30_000, Math.max(0, timetable.next() - clock.now())), signal);
    for (const entry of timetable.takeDue(clock.now())) await onDue(entry);
  }
}
