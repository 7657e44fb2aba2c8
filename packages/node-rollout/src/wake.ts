/**
 * Lets a loop sleep until something happens; what happens while it is busy is not lost, and what happens at
 * once, the events of one packet, wakes it once.
 */
export interface Wake {
  notify(): void;
  /** Resolves at the next `notify`, at once if there was one since the last wait, or after `ms`. */
  wait(ms: number): Promise<void>;
}

export function createWake(): Wake {
  let pending = false;
  let resume: (() => void) | undefined;
  return {
    notify() {
      pending = true;
      resume?.();
    },
    async wait(ms) {
      if (!pending) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          resume = () => {
            clearTimeout(timer);
            resume = undefined;
            setImmediate(resolve);
          };
        });
      }
      resume = undefined;
      pending = false;
    },
  };
}
