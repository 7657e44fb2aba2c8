import type { ServerResponse } from "node:http";
import { Refusal } from "./failures.ts";
import type { KubeObject } from "./objects.ts";
import { apiVersionOf, type Resource } from "./resources.ts";
import type { Predicate } from "./selectors.ts";
import type { Change, Store } from "./store.ts";

export interface WatchRequest {
  resource: Resource;
  namespace: string | undefined;
  matches: Predicate;
  query: URLSearchParams;
}

interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: object;
}

/**
 * Streams the changes that a watch asks for, until the client goes, its `timeoutSeconds` are over, or
 * `signal` aborts. A `resourceVersion` that was compacted gets one ERROR event (410) and the end.
 *
 * @param bookmarkMs the time between bookmarks
 */
export function streamWatch(
  store: Store,
  { resource, namespace, matches, query }: WatchRequest,
  response: ServerResponse,
  { bookmarkMs, signal }: { bookmarkMs: number; signal: AbortSignal },
): void {
  const bookmarks = query.get("allowWatchBookmarks") === "true";
  const send = (event: WatchEvent) => response.write(`${JSON.stringify(event)}\n`);
  const wanted = ({ resource: changed, object }: Change) =>
    changed === resource && (namespace === undefined || object.metadata.namespace === namespace);
  const show = (change: Change) => {
    const event = wanted(change) ? eventOf(change, matches) : undefined;
    if (event !== undefined) send(event);
  };
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  try {
    for (const event of firstEvents(store, { resource, namespace, matches, query })) send(event);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    send({ type: "ERROR", object: error.body });
    response.end();
    return;
  }
  const unsubscribe = store.onChange(show);
  const bookmark = () => send({ type: "BOOKMARK", object: bookmarkOf(resource, store.version) });
  const timer = bookmarks ? setInterval(bookmark, bookmarkMs) : undefined;
  const end = () => {
    if (bookmarks) bookmark();
    response.end();
  };
  const seconds = Number(query.get("timeoutSeconds") ?? 0);
  const timeout = seconds > 0 ? setTimeout(end, seconds * 1000) : undefined;
  const stop = () => response.destroy();
  signal.addEventListener("abort", stop, { once: true });
  response.once("close", () => {
    unsubscribe();
    clearInterval(timer);
    clearTimeout(timeout);
    signal.removeEventListener("abort", stop);
  });
}

/** What a new watch is told at once: the changes since its version, or the present state. */
function firstEvents(
  store: Store,
  { resource, namespace, matches, query }: WatchRequest,
): WatchEvent[] {
  const version = query.get("resourceVersion") ?? "";
  const initial = query.get("sendInitialEvents");
  const present = () =>
    store
      .list(resource, namespace)
      .filter(matches)
      .map((object): WatchEvent => ({ type: "ADDED", object }));
  if (initial === "true") {
    const end = bookmarkOf(resource, store.version, { "k8s.io/initial-events-end": "true" });
    return [...present(), { type: "BOOKMARK", object: end }];
  }
  if (version === "" || version === "0") return initial === "false" ? [] : present();
  return store
    .since(Number(version))
    .filter(
      (change) =>
        change.resource === resource &&
        (namespace === undefined || change.object.metadata.namespace === namespace),
    )
    .map((change) => eventOf(change, matches))
    .filter((event) => event !== undefined);
}

/** A change as one watch sees it: an object that leaves the selector's reach is DELETED for it. */
function eventOf(change: Change, matches: Predicate): WatchEvent | undefined {
  const { type, object, previous, version } = change;
  const before = previous !== undefined && matches(previous);
  if (type !== "DELETED" && matches(object)) {
    return { type: before ? "MODIFIED" : "ADDED", object };
  }
  if (!before) return undefined;
  const last: KubeObject = type === "DELETED" ? object : previous;
  const metadata = { ...last.metadata, resourceVersion: String(version) };
  return { type: "DELETED", object: { ...last, metadata } };
}

function bookmarkOf(resource: Resource, version: number, annotations?: Record<string, string>) {
  return {
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: String(version),
      creationTimestamp: null,
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}
