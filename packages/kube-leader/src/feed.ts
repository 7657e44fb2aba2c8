import { UnreachableError, type WatchEvent } from "./api.ts";
import type { Metadata } from "./objects.ts";
import { type PatientApi, rest } from "./patience.ts";

export interface FeedOptions<T> {
  api: PatientApi;
  resource: "configmaps" | "pods";
  namespace: string;
  /** Which objects: `{ fieldSelector }` or `{ labelSelector }`. */
  query: Record<string, string>;
  /** The objects as they stand, at the start and whenever the changes since were lost. */
  onList: (objects: T[]) => void;
  onEvent: (type: "ADDED" | "MODIFIED" | "DELETED", object: T) => void;
  /** How long the watch may wait after a list, in ms; it misses nothing by that. Default 0. */
  watchAfterMs?: ((objects: T[]) => number) | undefined;
  /** Takes a 403 as the answer, once, and ends the feed. */
  onRefused?: (() => void) | undefined;
  signal: AbortSignal;
}

/**
 * Follows objects: a list, then a watch from the list's resourceVersion, taken up again where it broke.
 * From an object's own resourceVersion a watch would be refused for ever once the server has compacted it.
 *
 * @throws RefusedError, ApiError, or the signal's reason
 */
export async function follow<T>(options: FeedOptions<T>): Promise<void> {
  const { api, resource, namespace, query, signal, onList, onRefused } = options;
  const { watchAfterMs = () => 0 } = options;
  for (;;) {
    const { status, body } = await api.ask(
      { verb: "list", resource, namespace, query },
      { signal, mayBeRefused: onRefused !== undefined },
    );
    if (status === 403) return onRefused?.();
    const { metadata, items } = body as { metadata: { resourceVersion: string }; items: T[] };
    onList(items);
    await rest(watchAfterMs(items), signal);
    await watchFrom(metadata.resourceVersion, options);
  }
}

/**
 * Watches until the server no longer knows the changes since the last one, or a watch fails before it has stood for a
 * while: where watches never work, the lists between them still tell.
 */
async function watchFrom<T>(version: string, options: FeedOptions<T>): Promise<void> {
  const { api, resource, namespace, query, signal } = options;
  const what = `watch of ${resource}`;
  let last = version;
  for (;;) {
    // Some minutes, not the same for everybody: an idle lock costs few requests, and they spread.
    const timeoutSeconds = Math.round(240 + Math.random() * 60);
    const fullQuery = { ...query, resourceVersion: last, allowWatchBookmarks: "true" };
    const began = performance.now();
    const events = await api.watch(
      { verb: "watch", resource, namespace, query: fullQuery, timeoutSeconds },
      { signal },
    );
    if (events === undefined) return;
    const isKnown =
      "status" in events ? false : await takeEvents(events, options, (seen) => (last = seen));
    const hasStood = performance.now() - began > 5_000;
    if (hasStood) api.calm(what);
    await api.pause(what, signal);
    if (!isKnown || !hasStood) return;
  }
}

/** Passes the events on; false when the server gave up on the version asked for. */
async function takeEvents<T>(
  events: AsyncIterable<WatchEvent>,
  { onEvent }: FeedOptions<T>,
  onVersion: (version: string) => void,
): Promise<boolean> {
  try {
    for await (const { type, object } of events) {
      if (type === "ERROR") return false;
      onVersion((object as { metadata: Metadata }).metadata.resourceVersion);
      if (type !== "BOOKMARK") onEvent(type, object as T);
    }
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
  }
  return true;
}
