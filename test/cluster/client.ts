import type { IncomingMessage } from "node:http";
import { Agent, request as send } from "node:https";
import { text } from "node:stream/consumers";
import { linesOf } from "../http.ts";

/** What it takes to talk to a cluster as somebody. */
export interface Credentials {
  url: string;
  /** PEM of the authority that signed the API server's certificate. */
  ca: string;
  token: string;
}

export interface RequestOptions {
  /** @default "application/json", for PATCH "application/merge-patch+json" */
  contentType?: string;
  /** Another identity than the client's. */
  token?: string;
  signal?: AbortSignal;
}

/** What the API server answers when it refuses: the Status object's facts. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly reason: string | undefined;
  readonly body: unknown;

  constructor(method: string, path: string, status: number, body: unknown) {
    const { message, reason } = (body ?? {}) as { message?: string; reason?: string };
    super(`${method} ${path}: ${status} ${message ?? JSON.stringify(body)}`);
    this.status = status;
    this.reason = reason;
    this.body = body;
  }
}

export interface WatchEvent<T> {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: T;
}

/** A small Kubernetes client for tests: JSON in, JSON out, nothing retried. */
export interface Client {
  /** @throws ApiError when the answer is not 2xx; what node:https throws when there is none. */
  request<T = KubernetesObject>(
    method: string,
    path: string,
    body?: unknown,
    options?: RequestOptions,
  ): Promise<T>;
  /** The events of a watch until the server ends it or the signal aborts. `path` carries the query. */
  watch<T = KubernetesObject>(path: string, signal?: AbortSignal): AsyncGenerator<WatchEvent<T>>;
  /** Closes the connections that are kept alive. */
  close(): void;
}

/** As much of any object as tests ask of it. */
export interface KubernetesObject {
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    resourceVersion: string;
    deletionTimestamp?: string;
    [field: string]: unknown;
  };
  [field: string]: unknown;
}

export function createClient({ url, ca, token }: Credentials): Client {
  const agent = new Agent({ keepAlive: true, ca });
  const open = (method: string, path: string, body: unknown, options: RequestOptions) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const json = method === "PATCH" ? "application/merge-patch+json" : "application/json";
      const { contentType = json, signal } = options;
      const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const request = send(new URL(path, url), {
        agent,
        method,
        headers: {
          authorization: `Bearer ${options.token ?? token}`,
          // Node gives a DELETE's body neither a length nor chunks by itself.
          ...(content && { "content-type": contentType, "content-length": content.length }),
        },
        ...(signal && { signal }),
      });
      request.on("response", resolve).on("error", reject).end(content);
    });

  return {
    request: async (method, path, body, options = {}) => {
      const response = await open(method, path, body, options);
      const answer = await text(response);
      const value = parse(answer);
      const status = response.statusCode ?? 0;
      if (status < 200 || status > 299) throw new ApiError(method, path, status, value);
      return value as never;
    },
    watch: async function* <T>(path: string, signal?: AbortSignal) {
      const response = await open("GET", path, undefined, signal === undefined ? {} : { signal });
      if (response.statusCode !== 200) {
        throw new ApiError("GET", path, response.statusCode ?? 0, parse(await text(response)));
      }
      for await (const line of linesOf(response)) yield JSON.parse(line) as WatchEvent<T>;
    },
    close: () => agent.destroy(),
  };
}

/** The API server answers JSON, except for /readyz and its like. */
function parse(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return answer;
  }
}
