import type { RunningCli } from "@internal/test/cli";
import { type Cell, stop } from "./cell.ts";

/** A request of a daemon, on the way to Kubernetes, Auto Scaling, CloudFormation or SQS: counted from 1. */
export interface Moment {
  n: number;
  /** Before it is forwarded, or when it was applied and before it is answered. */
  when: "before" | "after";
}

export interface Killed {
  /** The daemon came so far. */
  reached: boolean;
  /** How many requests it has made. */
  seen: number;
}

/**
 * Goes through all moments of a daemon's work, several at a time, until it makes no more requests.
 *
 * @param lanes how many run at once: most of a case is waiting for a process to start
 * @returns how many requests there are
 */
export async function killAtEveryRequest(
  lanes: number,
  killAt: (moment: Moment) => Promise<Killed>,
): Promise<number> {
  let last = Number.POSITIVE_INFINITY;
  let next = 1;
  let killed = 0;
  const lane = async () => {
    while (next <= last) {
      const n = next++;
      for (const when of ["before", "after"] as const) {
        const { reached, seen } = await killAt({ n, when });
        if (reached) killed += 1;
        // An idle long poll is answered by nobody.
        if (seen < n) last = Math.min(last, n - 1);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  console.log(`killed ${killed} times, before and after each of ${last} requests`);
  return last;
}

/**
 * Kills a daemon at a moment, if it comes so far before the work is done, and lets another one finish.
 *
 * @param start begins the first life or the second
 * @param finished resolves when the work is done
 */
export async function killAndFollow(
  cell: Cell,
  { n, when }: Moment,
  start: (life: 0 | 1) => RunningCli,
  finished: () => Promise<void>,
): Promise<Killed> {
  let first: RunningCli | undefined;
  let reached = false;
  let seen = 0;
  const killing = Promise.withResolvers<void>();
  cell.onRequest(async (moment, request) => {
    seen = Math.max(seen, request.n);
    if (reached || moment !== when || request.n !== n || first === undefined) return reached;
    reached = true;
    first.kill("SIGKILL");
    await first.ended;
    killing.resolve();
    return true;
  });
  first = start(0);
  await Promise.race([killing.promise, finished()]);
  cell.onRequest(undefined);
  if (!reached) {
    await stop(first);
    return { reached, seen };
  }
  const second = start(1);
  await finished().catch((cause: unknown) => {
    throw new Error(`${cell.name}: ${second.output().stderr}`, { cause });
  });
  await stop(second);
  return { reached, seen };
}
