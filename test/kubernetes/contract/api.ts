import { vi } from "vitest";
import { type Answer, ask, linesOf, open, type Server } from "../../http.ts";
import type { Status } from "../failures.ts";
import type { KubeObject } from "../objects.ts";

/** A Kubernetes API to hold against the contract, fake or real, with an administrator's token. */
export interface Subject extends Server {
  token: string;
}

export interface Reply<T = KubeObject> {
  code: number;
  headers: Answer["headers"];
  body: T;
}

export interface WatchEvent {
  type: string;
  object: KubeObject & Partial<Status>;
}

/** The words of one test file with its server: paths are within the API, `{ns}` is the file's namespace. */
export interface Api {
  namespace: string;
  server: Subject;
  /** The same server as somebody else. */
  as(token: string): Api;
  get<T = KubeObject>(path: string): Promise<Reply<T>>;
  post<T = KubeObject>(path: string, body: object): Promise<Reply<T>>;
  put(path: string, body: object): Promise<Reply>;
  patch(type: PatchName, path: string, body: unknown): Promise<Reply>;
  delete(path: string, options?: object, how?: { withoutLength: boolean }): Promise<Reply>;
  /** Resolves when the server has accepted the watch. */
  watch(path: string): Promise<Watch>;
}

export interface Watch extends Disposable {
  /** The next event, bookmarks left out; undefined when the server ended the watch. */
  next(): Promise<WatchEvent | undefined>;
  /** The next event, whatever it is. */
  nextOfAny(): Promise<WatchEvent | undefined>;
}

const patchNames = { json: "json-patch", merge: "merge-patch", strategic: "strategic-merge-patch" };
export type PatchName = keyof typeof patchNames;

export function makeApi(server: Subject, namespace: string): Api {
  const headers = { authorization: `Bearer ${server.token}` };
  const place = (path: string) => path.replace("{ns}", `namespaces/${namespace}`);
  const send = async <T>(
    method: string,
    path: string,
    body?: unknown,
    more: { type?: string; withoutLength?: boolean } = {},
  ): Promise<Reply<T>> => {
    const { type = "application/json", withoutLength = false } = more;
    const answer = await ask(server, method, place(path), {
      headers: { ...headers, ...(body === undefined ? {} : { "content-type": type }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body), withoutLength }),
    });
    return { code: answer.status, headers: answer.headers, body: parse(answer.text) as T };
  };
  return {
    namespace,
    server,
    as: (token) => makeApi({ ...server, token }, namespace),
    get: (path) => send("GET", path),
    post: (path, body) => send("POST", path, body),
    put: (path, body) => send("PUT", path, body),
    patch: (name, path, body) =>
      send("PATCH", path, body, { type: `application/${patchNames[name]}+json` }),
    delete: (path, options, how) => send("DELETE", path, options, how),
    watch: (path) => startWatch(server, place(path), headers),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function startWatch(
  server: Server,
  path: string,
  headers: Record<string, string>,
): Promise<Watch> {
  const stop = new AbortController();
  const response = await open(server, "GET", path, { headers, signal: stop.signal });
  const lines = linesOf(response);
  const nextOfAny = async (): Promise<WatchEvent | undefined> => {
    const { value, done } = await lines.next();
    return done ? undefined : (JSON.parse(value) as WatchEvent);
  };
  const next = async () => {
    let event = await nextOfAny();
    while (event?.type === "BOOKMARK") event = await nextOfAny();
    return event;
  };
  response.on("error", () => {}); // our own end
  return { next, nextOfAny, [Symbol.dispose]: () => stop.abort() };
}

/** Waits until what a controller does has happened. */
export function eventually<T>(look: () => Promise<T>): Promise<T> {
  return vi.waitFor(look, { timeout: 20_000, interval: 20 });
}

let made = 0;

/** A name that nothing has yet. */
export function fresh(prefix: string): string {
  made += 1;
  return `${prefix}-${made}`;
}

/** A pod's body: bound to a node that is not there, so that nobody but the test touches it. */
export function podBody(name: string, more: { labels?: object; node?: string | null } = {}) {
  const { labels = {}, node = "no-such-node" } = more;
  return {
    metadata: { name, labels },
    spec: {
      ...(node === null ? {} : { nodeName: node }),
      containers: [{ name: "main", image: "example.org/main" }],
    },
  };
}

export function ownerOf({ metadata }: KubeObject, kind = "Pod") {
  return { apiVersion: "v1", kind, name: metadata.name, uid: metadata.uid };
}

/** The status patch by which the test, in the kubelet's place, says that a pod runs. */
export async function setReady(api: Api, name: string, ready = true): Promise<void> {
  const status = ready ? "True" : "False";
  const conditions = [{ type: "Ready", status, lastTransitionTime: "2026-01-01T00:00:00Z" }];
  await api.patch("strategic", `/api/v1/{ns}/pods/${name}/status`, {
    status: { phase: "Running", conditions },
  });
}
