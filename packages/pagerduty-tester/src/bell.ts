import type { Clock } from "./clock.ts";
import { linkedController } from "./linked.ts";

/** A sleep that ends early when something happens. */
export interface Bell {
  ring(): void;
  /**
   * Waits until it rings, or so long; returns at once when it rang since the last wait.
   *
   * @param milliseconds infinite for a wait that only a ring ends, and that takes no timer
   * @throws the signal's reason when it aborts
   */
  wait(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export function createBell(clock: Clock): Bell {
  let rang = false;
  let waiting: AbortController | undefined;
  const sleep = (milliseconds: number, signal: AbortSignal) =>
    Number.isFinite(milliseconds) ? clock.sleep(milliseconds, signal) : aborted(signal);
  return {
    ring: () => {
      rang = true;
      waiting?.abort();
    },
    wait: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      if (!rang) {
        const { controller, unlink } = linkedController(signal);
        waiting = controller;
        try {
          await sleep(milliseconds, controller.signal);
        } catch (error) {
          if (!controller.signal.aborted) throw error;
        } finally {
          unlink();
          waiting = undefined;
        }
        signal?.throwIfAborted();
      }
      rang = false;
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
