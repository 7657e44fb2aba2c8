import { setTimeout as sleep } from "node:timers/promises";
import { isApiError, type Kubernetes, type Query } from "./kubernetes.ts";
import type { Metadata } from "./objects.ts";
import { listPages } from "./pages.ts";

/** Receives a collection's state and every change to it. */
export interface Follower<T> {
  /** The whole collection, at the start and whenever changes may have been missed. */
  listed(items: T[]): void;
  changed(type: "set" | "deleted", item: T): void;
  /** A request or a watch failed; it is tried again after `retryMs`. */
  failed?(error: unknown, retryMs: number): void;
  /** The server answers: there is a list, a watch was accepted, or an event came. */
  answered?(): void;
}

const retryFirst = 250;
const retryLongest = 5000;
/** A watch that the server ends sooner is a failure, or a server that ends each at once would be asked all the time. */
const watchStands = 5000;

/**
 * Lists and watches a collection until the signal aborts. A watch that ends goes on where it stopped; one
 * that cannot, because the server has forgotten that version, starts with a new list.
 *
 * @param request.from the version that is known already: there is no first list
 * @param reduce what is kept of an object
 */
export async function follow<T extends { metadata: Metadata }>(
  kubernetes: Kubernetes,
  request: { path: string; query?: Query; signal: AbortSignal; from?: string | undefined },
  reduce: (object: object) => T,
  follower: Follower<T>,
): Promise<void> {
  const { path, query, signal } = request;
  let version = request.from;
  let retry = retryFirst;
  let hasStood = true;
  while (!signal.aborted) {
    try {
      if (version === undefined) {
        const list = await listPages(kubernetes, { path, ...(query && { query }), signal }, reduce);
        follower.listed(list.items);
        follower.answered?.();
        version = list.resourceVersion;
      }
      const began = performance.now();
      for await (const { type, object } of kubernetes.watch({
        path,
        ...(query && { query }),
        resourceVersion: version,
        signal,
        // Where the last one was accepted and ended at once, acceptance says nothing.
        opened: hasStood ? follower.answered : undefined,
      })) {
        const item = reduce(object);
        version = item.metadata.resourceVersion;
        retry = retryFirst;
        hasStood = true;
        follower.answered?.();
        if (type === "BOOKMARK") continue;
        follower.changed(type === "DELETED" ? "deleted" : "set", item);
      }
      hasStood = performance.now() - began >= watchStands;
      if (!hasStood) throw new Error("the watch ended at once");
      follower.answered?.();
      retry = retryFirst;
    } catch (error) {
      if (signal.aborted) return;
      if (isApiError(error, 410)) version = undefined;
      follower.failed?.(error, retry);
      await sleep(retry, undefined, { signal }).catch(() => {});
      retry = Math.min(retry * 2, retryLongest);
    }
  }
}
