import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Connection } from "./connection.ts";
import type { Metadata } from "./objects.ts";

/** One request to the API server, told in its own words so that a refusal can name them. */
export interface Call {
  verb: "create" | "get" | "list" | "watch" | "delete";
  resource: "configmaps" | "pods";
  namespace: string;
  name?: string;
  query?: Record<string, string>;
  body?: object;
}

export interface Reply {
  status: number;
  /** The parsed body: the object, or a Status; of a refusal or overload its text as `message`. */
  body: object;
  /** What the server asks to wait before the next try, in milliseconds. */
  retryAfterMs: number | undefined;
}

const eventTypes = ["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"] as const;

export interface WatchEvent {
  type: (typeof eventTypes)[number];
  object: unknown;
}

/** The API server could not be reached, or what came back was cut off. The call may have been done. */
export class UnreachableError extends Error {
  override name = "UnreachableError";
}

export interface Api {
  server: URL;
  send(call: Call, signal: AbortSignal): Promise<Reply>;
  /**
   * Opens a watch. The events end when the server ends it; they throw UnreachableError when the
   * connection breaks or stays open past `timeoutSeconds`.
   */
  watch(
    call: Call & { timeoutSeconds: number },
    signal: AbortSignal,
  ): Promise<Reply | AsyncIterable<WatchEvent>>;
  close(): void;
}

/** A request must be answered within this time; a server that hangs is as good as none. */
const answerWithinMs = 10_000;

const methods = { create: "POST", get: "GET", list: "GET", watch: "GET", delete: "DELETE" };

/** The few calls of the election, over `node:https`, with connections kept alive. */
export function createApi(connection: Connection): Api {
  return {
    server: connection.server,
    close: () => connection.close(),
    send: (call, signal) =>
      within(signal, async (deadline) => {
        const response = await open(connection, call, deadline.signal);
        return replyOf(call, response, await readAll(response));
      }),
    watch: async (call, signal) => {
      const { timeoutSeconds } = call;
      const query = { ...call.query, watch: "true", timeoutSeconds: `${timeoutSeconds}` };
      const deadline = startDeadline(signal);
      const response = await attempt(deadline, () =>
        open(connection, { ...call, query }, deadline.signal),
      );
      if (response.statusCode !== 200) {
        return attempt(deadline, async () =>
          replyOf(call, response, await readAll(response)),
        ).finally(deadline.clear);
      }
      // A server that hangs keeps the connection open and says nothing, not even that the time is over.
      deadline.restart((timeoutSeconds + 10) * 1000);
      return eventsOf(response, deadline);
    },
  };
}

interface Deadline {
  /** Aborts with the caller's signal, or when the time is over. */
  signal: AbortSignal;
  outer: AbortSignal;
  restart(ms: number): void;
  clear(): void;
}

function startDeadline(outer: AbortSignal): Deadline {
  const controller = new AbortController();
  let timer: NodeJS.Timeout;
  const restart = (ms: number) => {
    clearTimeout(timer);
    const late = new Error(`no answer in ${ms / 1000} s`);
    timer = setTimeout(() => controller.abort(late), ms);
  };
  restart(answerWithinMs);
  return {
    signal: AbortSignal.any([outer, controller.signal]),
    outer,
    restart,
    clear: () => clearTimeout(timer),
  };
}

async function within<T>(signal: AbortSignal, run: (deadline: Deadline) => Promise<T>): Promise<T> {
  const deadline = startDeadline(signal);
  return attempt(deadline, () => run(deadline)).finally(deadline.clear);
}

/** Makes every failure of the transport an UnreachableError; an abort by the caller stays what it is. */
async function attempt<T>(deadline: Deadline, run: () => Promise<T>): Promise<T> {
  try {
    deadline.outer.throwIfAborted();
    return await run();
  } catch (error) {
    deadline.clear();
    throw failureOf(error, deadline);
  }
}

function failureOf(error: unknown, { outer, signal }: Deadline): unknown {
  if (outer.aborted) return outer.reason;
  return unreachable(signal.aborted ? signal.reason : error);
}

function unreachable(cause: unknown): UnreachableError {
  if (cause instanceof UnreachableError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  // Node advises a flag of its own.
  const words = message.replace(
    /; if the root CA is installed locally.*/,
    ", not from the authority in ca.crt or the kubeConfig",
  );
  return new UnreachableError(words || code || "no connection", { cause });
}

async function open(
  connection: Connection,
  call: Call,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { server } = connection;
  const options = await connection.requestOptions();
  const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
  // An import of node:http as an ES module loads its WebSocket client too, which takes longer than all the rest.
  const send =
    server.protocol === "http:" ? process.getBuiltinModule("node:http").request : httpsRequest;
  return new Promise((resolve, reject) => {
    const request = send(new URL(pathOf(server, call), server), {
      ...options,
      method: methods[call.verb],
      signal,
      headers: {
        ...(options.headers as Record<string, string>),
        accept: "application/json",
        "user-agent": "kube-leader",
        ...(body === undefined
          ? {}
          : // Node leaves Content-Length out of a DELETE: the server would then ignore the preconditions
            // in the body and delete whatever has the name.
            { "content-type": "application/json", "content-length": `${body.length}` }),
      },
    });
    request.on("socket", (socket) => socket.setKeepAlive(true, 15_000));
    request.on("response", resolve).on("error", reject);
    request.end(body);
  });
}

function pathOf(server: URL, { resource, namespace, name, query = {} }: Call): string {
  const base = `${server.pathname.replace(/\/$/, "")}/api/v1/namespaces/${encodeURIComponent(namespace)}/${resource}`;
  const search = new URLSearchParams(query).toString();
  return `${name === undefined ? base : `${base}/${encodeURIComponent(name)}`}${search && `?${search}`}`;
}

function replyOf({ verb }: Call, response: IncomingMessage, text: string): Reply {
  const status = response.statusCode ?? 0;
  const seconds = Number(response.headers["retry-after"]);
  const body = parse(text);
  if (!isOfApiServer(verb, status, body)) {
    throw new UnreachableError(`what answers HTTP ${status} there is no API server`);
  }
  return { status, body, retryAfterMs: seconds > 0 ? seconds * 1000 : undefined };
}

function parse(text: string): object {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null) return body;
  } catch {
    // What stands between us and the API server answers in HTML.
  }
  return { message: text.slice(0, 200).trim() };
}

/** A load balancer's 404 is no news of the lock. Of refusals and overload the status alone tells enough. */
function isOfApiServer(
  verb: Call["verb"],
  status: number,
  body: { kind?: unknown; metadata?: unknown },
): boolean {
  if (status < 300) return isWhole(verb, body);
  if ([401, 403, 429].includes(status) || status >= 500) return true;
  // A list of one namespace is empty where nothing is found, and a server redirects nobody.
  const isOdd = status < 400 || status === 408 || (verb === "list" && status !== 400);
  return body.kind === "Status" && !isOdd;
}

/** Whether a success has all that is read of it: less of a list would tell that a living pod is gone. */
function isWhole(
  verb: Call["verb"],
  { metadata, items }: { metadata?: unknown; items?: unknown },
): boolean {
  const { uid, resourceVersion } = (metadata ?? {}) as Partial<Metadata>;
  if (verb === "list") {
    const isListed = Array.isArray(items) && typeof resourceVersion === "string";
    return isListed && items.every((item) => typeof item?.metadata?.uid === "string");
  }
  if (verb === "delete") return typeof metadata === "object" && metadata !== null;
  return typeof uid === "string" && typeof resourceVersion === "string";
}

async function readAll(response: IncomingMessage): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) text += chunk;
  return text;
}

async function* eventsOf(
  response: IncomingMessage,
  deadline: Deadline,
): AsyncGenerator<WatchEvent> {
  let rest = "";
  response.setEncoding("utf8");
  try {
    for await (const chunk of response) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") yield eventOf(line);
    }
  } catch (error) {
    throw failureOf(error, deadline);
  } finally {
    deadline.clear();
  }
}

function eventOf(line: string): WatchEvent {
  const event = JSON.parse(line) as WatchEvent | null;
  const { metadata } = (event?.object ?? {}) as { metadata?: { resourceVersion?: string } };
  const isWhole = event?.type === "ERROR" || metadata?.resourceVersion !== undefined;
  if (event !== null && isWhole && eventTypes.includes(event.type)) return event;
  throw new UnreachableError("the watch tells what no API server does");
}
