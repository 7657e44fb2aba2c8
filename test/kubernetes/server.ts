import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Tokens, User } from "./access.ts";
import { discover } from "./discovery.ts";
import { Refusal, Unknown } from "./failures.ts";
import { type Answer, checkAccess, handle, reviewOwnAccess, selectionOf } from "./handle.ts";
import { parseRequest } from "./requests.ts";
import type { Store } from "./store.ts";
import { streamWatch } from "./watch.ts";

/** A request that the fake has answered, or a watch that it began to answer. */
export interface LoggedRequest {
  method: string;
  /** With the query. */
  path: string;
  userAgent: string;
  /** Who asked; "" when the token was not known. */
  user: string;
  body: string;
  code: number;
  /** When it came, in ms since the epoch. */
  at: number;
}

export interface ServerOptions {
  store: Store;
  tokens: Tokens;
  bookmarkMs: number;
  tls?: { certificate: string; key: string } | undefined;
  requests: LoggedRequest[];
  /** What the fake does not know or a client must not send. */
  problems: string[];
}

/** Serves the API on a free port of the loopback address. */
export async function serve(
  options: ServerOptions,
): Promise<{ url: string; close: () => Promise<void> }> {
  const stop = new AbortController();
  const answering = new WeakMap<Duplex, ServerResponse>();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    answering.set(request.socket, response);
    answer({ ...options, signal: stop.signal }, request, response).catch((error: unknown) => {
      options.problems.push(`${request.method} ${request.url}: ${(error as Error).stack}`);
      response.destroy();
    });
  };
  const { tls } = options;
  const server: Server =
    tls === undefined
      ? createServer(listener)
      : createTlsServer({ cert: tls.certificate, key: tls.key }, listener);
  server.on("clientError", (_error, socket) => refuseGarbage(socket, answering.get(socket)));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        stop.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * What follows a request and is none, a body that no Content-Length announced for example, is refused; as on
 * the real server, the request before it still gets its answer.
 */
function refuseGarbage(socket: Duplex, before: ServerResponse | undefined): void {
  const refuse = () => socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  if (before === undefined || before.writableFinished) refuse();
  else before.once("finish", refuse);
}

async function answer(
  options: ServerOptions & { signal: AbortSignal },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET", url = "/", headers } = request;
  const logged: LoggedRequest = {
    method,
    path: url,
    userAgent: headers["user-agent"] ?? "",
    user: "",
    body: "",
    code: 0,
    at: Date.now(),
  };
  options.requests.push(logged);
  logged.body = await readBody(request);
  try {
    const user = options.tokens.authenticate(headers.authorization);
    logged.user = user.name;
    const result = respond(options, { request, response, user, body: logged.body });
    logged.code = result === "watch" ? 200 : result.code;
    if (result !== "watch") send(response, result.code, result.body);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error instanceof Unknown) options.problems.push(`${method} ${url}: ${error.message}`);
    logged.code = error.code;
    send(response, error.code, error.body, error.headers);
  }
}

function respond(
  options: ServerOptions & { signal: AbortSignal },
  incoming: { request: IncomingMessage; response: ServerResponse; user: User; body: string },
): Answer | { code: number; body: string } | "watch" {
  const { store } = options;
  const { request, response, user, body } = incoming;
  const { method = "GET", headers } = request;
  const url = new URL(request.url ?? "/", "http://fake");
  const found = method === "GET" ? discover(url.pathname) : undefined;
  if (found !== undefined) return { code: 200, body: found as object };
  const call = { headers, body, user };
  if (method === "POST" && url.pathname.endsWith("/v1/selfsubjectaccessreviews")) {
    return reviewOwnAccess(store, call);
  }
  const asked = parseRequest(method, url);
  checkAccess(store, asked, user);
  if (asked.verb !== "watch") return handle(options, asked, call);
  const { bookmarkMs, signal } = options;
  streamWatch(store, { ...asked, ...selectionOf(asked) }, response, { bookmarkMs, signal });
  return "watch";
}

async function readBody(request: IncomingMessage): Promise<string> {
  request.setEncoding("utf8");
  let text = "";
  for await (const part of request) text += part;
  return text;
}

function send(
  response: ServerResponse,
  code: number,
  body: object | string,
  headers: Record<string, string> = {},
): void {
  const text = typeof body === "string" ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(code, {
    "content-type": typeof body === "string" ? "text/plain" : "application/json",
    "content-length": Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}
