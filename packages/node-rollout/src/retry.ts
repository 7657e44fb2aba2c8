import { setTimeout as sleep } from "node:timers/promises";
import { isApiError } from "./kubernetes/kubernetes.ts";

/** True for what may go away by itself: no connection, an overloaded server, a list that aged between its pages. */
export function isPassing(error: unknown): boolean {
  if (!isApiError(error)) return !(error instanceof TypeError || error instanceof SyntaxError);
  return error.code >= 500 || error.code === 429 || error.code === 410;
}

/**
 * Tries until it succeeds, an answer comes that no repetition changes, or the signal aborts.
 *
 * @param options.onRetry told of each failure before the next try
 */
export async function persist<T>(
  attempt: () => Promise<T>,
  options: { signal?: AbortSignal; onRetry?: (error: unknown) => void } = {},
): Promise<T> {
  const { signal, onRetry } = options;
  for (let wait = 250; ; wait = Math.min(wait * 2, 5000)) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isPassing(error)) throw error;
      onRetry?.(error);
      await sleep(wait, undefined, { ...(signal && { signal }) });
    }
  }
}
