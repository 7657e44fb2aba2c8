/** What several sources tell one reader, in the order in which it came. */
export interface Mailbox<T> {
  put(message: T): void;
  /** Ends the reader's next wait with this error. */
  fail(error: unknown): void;
  /** Everything that came since the last call. */
  take(): T[];
  /**
   * Resolves with true when something is there, with false after `ms`.
   *
   * @throws what `fail` was given, or the signal's reason
   */
  arrival(ms?: number): Promise<boolean>;
}

/** @param signal ends every wait */
export function createMailbox<T>(signal: AbortSignal): Mailbox<T> {
  const messages: T[] = [];
  let failure: { error: unknown } | undefined;
  let wake = () => {};
  signal.addEventListener("abort", () => wake(), { once: true });
  const isEmpty = () => messages.length === 0 && failure === undefined && !signal.aborted;
  return {
    put: (message) => {
      messages.push(message);
      wake();
    },
    fail: (error) => {
      failure ??= { error };
      wake();
    },
    take: () => messages.splice(0),
    arrival: async (ms) => {
      if (isEmpty()) {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (ms !== undefined) timer = setTimeout(resolve, ms);
        });
        clearTimeout(timer);
      }
      signal.throwIfAborted();
      if (failure !== undefined) throw failure.error;
      return messages.length > 0;
    },
  };
}
