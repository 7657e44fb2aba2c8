/** The signals that ask a process to end, with the exit code a shell gives for each. */
export const endingSignals = { SIGINT: 130, SIGTERM: 143 } as const;

export type EndingSignal = keyof typeof endingSignals;

export interface Signals {
  signal: AbortSignal;
  received: () => EndingSignal | undefined;
  dispose: () => void;
}

/**
 * An AbortSignal that aborts on the first SIGINT or SIGTERM, its reason the signal's name. The second
 * one ends the process at once: whoever asks twice does not want to wait for a clean end.
 */
export function abortOnSignals(): Signals {
  const controller = new AbortController();
  let received: EndingSignal | undefined;
  const listener = (name: NodeJS.Signals) => {
    if (received !== undefined) process.exit(endingSignals[received]);
    received = name as EndingSignal;
    controller.abort(new DOMException(`ended by ${name}`, "AbortError"));
  };
  for (const name of Object.keys(endingSignals)) process.on(name, listener);
  return {
    signal: controller.signal,
    received: () => received,
    dispose: () => {
      for (const name of Object.keys(endingSignals)) process.off(name, listener);
    },
  };
}
