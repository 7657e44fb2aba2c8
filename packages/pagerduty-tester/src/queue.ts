import { createBell } from "./bell.ts";
import type { Clock } from "./clock.ts";
import type { Pacer } from "./pacer.ts";
import type { Run } from "./run.ts";

/** A page that waits for its turn. */
export interface Job {
  run: Run;
  /** Not before this instant, in milliseconds since 1970. */
  notBefore: number;
  /** Requests that failed, for the length of the next wait. */
  failures: number;
}

export interface Queue {
  add(run: Run): void;
  /** Works until the signal aborts; a page that is being sent is finished first. */
  work(signal: AbortSignal): Promise<void>;
  /** How many pages wait. */
  length(): number;
}

/** A wait that no timer limit and no clock jump makes wrong: the queue looks again. */
const longestWait = 30_000;

/**
 * The pages of one service, one at a time under its pacer. A page that has to be tried again steps aside, so
 * that it delays nobody.
 *
 * @param options.attempt tries a page; returns the milliseconds until it should be tried again, or undefined
 *   when that is done. When the signal aborts it sends nothing more. It must not throw
 */
export function createQueue(options: {
  clock: Clock;
  pacer: Pacer;
  attempt: (job: Job, signal: AbortSignal) => Promise<number | undefined>;
}): Queue {
  const { clock, pacer, attempt } = options;
  const jobs: Job[] = [];
  const bell = createBell(clock);
  return {
    add: (run) => {
      jobs.push({ run, notBefore: 0, failures: 0 });
      bell.ring();
    },
    length: () => jobs.length,
    work: async (signal) => {
      while (!signal.aborted) {
        const now = clock.now();
        const job = jobs.find(({ notBefore }) => notBefore <= now);
        const wait = job === undefined ? untilFirst(jobs, now) : pacer.waitMs(now);
        if (job === undefined || wait > 0) {
          await bell.wait(jobs.length === 0 ? wait : Math.min(wait, longestWait), signal);
          continue;
        }
        const retryMs = await attempt(job, signal);
        jobs.splice(jobs.indexOf(job), 1);
        if (retryMs === undefined) continue;
        jobs.push({ run: job.run, notBefore: clock.now() + retryMs, failures: job.failures + 1 });
      }
    },
  };
}

/** Infinite when none waits. */
function untilFirst(jobs: readonly Job[], now: number): number {
  return Math.min(...jobs.map(({ notBefore }) => notBefore - now));
}
