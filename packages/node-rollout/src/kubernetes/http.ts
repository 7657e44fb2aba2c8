import {
  type ClientRequest,
  Agent as HttpAgent,
  request as http,
  type IncomingMessage,
} from "node:http";
import { type AgentOptions, Agent as HttpsAgent, request as https } from "node:https";
import { createSecureContext } from "node:tls";
import {
  ApiError,
  type Kubernetes,
  type KubernetesRequest,
  type Query,
  type Status,
  type WatchEvent,
  type WatchRequest,
} from "./kubernetes.ts";

/** Where the API server is and how to prove who we are. */
export interface Access {
  /** `https://10.0.0.1:443`, with a path where a proxy serves several clusters. */
  server: string;
  tls: Pick<
    AgentOptions,
    "ca" | "cert" | "key" | "pfx" | "passphrase" | "rejectUnauthorized" | "servername"
  >;
  /** Called before each request: a token may have been rotated. `fresh` after a 401. */
  headers(fresh: boolean): Promise<Record<string, string>>;
  /** Replaces our own agents where connections go through a proxy. */
  agent?: HttpAgent;
}

const patchTypes = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
} as const;

const requestTimeout = 60_000;
/** A watch is answered at once, with nothing in it; whoever accepts connections and says nothing is broken. */
const watchAnswerTimeout = 30_000;
/** The server ends a watch after this time; a connection that is silent for longer than it and some is dead. */
const watchSeconds = 240;

/**
 * A client over `node:https`. Connections are kept alive; watches, which each hold one for minutes, have an
 * agent of their own so that they never keep a request waiting.
 */
export function createKubernetes(access: Access): Kubernetes {
  const server = new URL(access.server);
  const isHttps = server.protocol === "https:";
  // The certificates are read once, not for each connection: a thousand watches take a quarter less memory.
  const options = isHttps
    ? { ...access.tls, secureContext: createSecureContext(access.tls) }
    : undefined;
  const newAgent = (more: AgentOptions) =>
    access.agent ?? (options ? new HttpsAgent({ ...options, ...more }) : new HttpAgent(more));
  const requests = newAgent({ keepAlive: true, maxSockets: 64 });
  const watches = newAgent({ keepAlive: false });

  async function send(
    request: KubernetesRequest,
    agent: HttpAgent,
    fresh = false,
  ): Promise<IncomingMessage> {
    const { method = "GET", path, query = {}, body, patch = "merge", signal } = request;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string | number> = {
      accept: "application/json",
      ...(await access.headers(fresh)),
    };
    if (payload !== undefined) {
      headers["content-type"] = method === "PATCH" ? patchTypes[patch] : "application/json";
      headers["content-length"] = Buffer.byteLength(payload);
    }
    const url = new URL(`${server.pathname.replace(/\/$/, "")}${path}${toSearch(query)}`, server);
    const sent = (isHttps ? https : http)(url, {
      method,
      headers,
      agent,
      ...(signal === undefined ? {} : { signal }),
    });
    sent.end(payload);
    const response = await responseOf(sent);
    if (response.statusCode === 401 && !fresh) {
      response.resume();
      return send(request, agent, true);
    }
    return response;
  }

  return {
    async request<T>(request: KubernetesRequest): Promise<T> {
      const timeout = AbortSignal.timeout(requestTimeout);
      const signal =
        request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout]);
      const response = await send({ ...request, signal }, requests);
      const text = await readText(response);
      if (!isSuccess(response)) throw errorOf(response, text);
      return JSON.parse(text) as T;
    },

    async *watch({
      path,
      query,
      resourceVersion,
      signal,
      opened,
    }: WatchRequest): AsyncIterable<WatchEvent> {
      const more = {
        watch: true,
        resourceVersion,
        allowWatchBookmarks: true,
        timeoutSeconds: watchSeconds,
      };
      const opening = new AbortController();
      const late = setTimeout(() => opening.abort(), watchAnswerTimeout);
      const signals = [opening.signal, ...(signal === undefined ? [] : [signal])];
      const request = { path, query: { ...query, ...more }, signal: AbortSignal.any(signals) };
      const response = await send(request, watches)
        .catch((error: unknown) => {
          if (!opening.signal.aborted) throw error;
          throw new Error("the API server accepts a watch and does not answer", { cause: error });
        })
        .finally(() => clearTimeout(late));
      if (!isSuccess(response)) throw errorOf(response, await readText(response));
      opened?.();
      response.socket.setKeepAlive(true, 15_000);
      response.setTimeout((watchSeconds + 15) * 1000, () => response.destroy());
      yield* readEvents(response);
    },
  };
}

function toSearch(query: Query): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) search.set(key, String(value));
  }
  return search.size === 0 ? "" : `?${search}`;
}

function responseOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => request.once("response", resolve).once("error", reject));
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function isSuccess({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function errorOf({ statusCode = 0, headers }: IncomingMessage, text: string): ApiError {
  return new ApiError(statusCode, statusOf(text), headers["retry-after"]);
}

/** A proxy in between answers with something other than a Status. */
function statusOf(text: string): Status {
  try {
    return JSON.parse(text) as Status;
  } catch {
    return text === "" ? {} : { message: text.slice(0, 200).trim() };
  }
}

/** A watch is one JSON object a line; its errors are events, too. */
async function* readEvents(response: IncomingMessage): AsyncIterable<WatchEvent> {
  let rest = "";
  response.setEncoding("utf8");
  for await (const text of response) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") continue;
      const event = JSON.parse(line) as WatchEvent | { type: "ERROR"; object: Status };
      if (event.type === "ERROR") throw new ApiError(event.object.code ?? 500, event.object);
      yield event;
    }
  }
}
