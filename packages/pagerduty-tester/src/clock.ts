import { setTimeout as delay } from "node:timers/promises";

/** Where the time comes from; a test gives one that it turns itself. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /**
   * Resolves after so many milliseconds.
   *
   * @throws the signal's reason as soon as it aborts
   */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

// setTimeout turns longer delays into one millisecond.
const longestTimer = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) =>
    delay(Math.min(Math.max(milliseconds, 0), longestTimer), undefined, signal && { signal }),
};
