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
  let failed = false;
  while (!signal.aborted) {
    if (working()) {
      const problem = await ping(url, signal);
      if (problem !== undefined && !failed && !signal.aborted) onTrouble(problem);
      failed = problem !== undefined;
    }
    await clock.sleep(everyMs, signal).catch(() => {});
  }
}

/**
 * Calls the URL once.
 *
 * @returns a sentence when it could not; never the URL, which is a secret of its own
 */
export async function ping(url: string, signal: AbortSignal): Promise<string | undefined> {
  const { default: got } = await import("got");
  try {
    await got.get(url, { timeout: { request: 10_000 }, retry: { limit: 0 }, signal });
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "failed";
    return `the heartbeat could not be sent (${code})`;
  }
}
