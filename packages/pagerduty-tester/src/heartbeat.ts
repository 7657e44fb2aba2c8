import type { Clock } from "./clock.ts";

const everyMs = 60_000;

/**
 * Calls a URL each minute for as long as the tester works, so that whoever watches it (healthchecks.io, a
 * dead-man switch) notices when it does not.
 *
 * @param working whether the schedule is being followed; nothing is sent while it is not
 */
export async function beat(
  url: string,
  options: {
    clock: Clock;
    working: () => boolean;
    onTrouble: (reason: string) => void;
    signal: AbortSignal;
  },
): Promise<void> {
  const { clock, working, onTrouble, signal } = options;
  const { default: got } = await import("got");
  let failed = false;
  while (!signal.aborted) {
    if (working()) {
      const problem = await got
        .get(url, { timeout: { request: 10_000 }, retry: { limit: 0 }, signal })
        .then(() => undefined)
        .catch((error: NodeJS.ErrnoException) => error.code ?? "failed");
      if (problem !== undefined && !failed && !signal.aborted) {
        // Without the URL, which is a secret of its own.
        onTrouble(`the heartbeat could not be sent (${problem})`);
      }
      failed = problem !== undefined;
    }
    await clock.sleep(everyMs, signal).catch(() => {});
  }
}
