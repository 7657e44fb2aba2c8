import { Agent, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer, Agent as TlsAgent } from "node:https";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { makeCertificate } from "./certificate.ts";
import { type Flow, forward, relay, type Upstream } from "./fault-proxy/relay.ts";
import {
  type Exchange,
  type Fault,
  type FaultOrChoice,
  fits,
  type Route,
  Rules,
} from "./fault-proxy/rules.ts";

export type { Exchange, Fault, FaultOrChoice, Route } from "./fault-proxy/rules.ts";

export interface FaultProxyOptions {
  /** PEM of the authority that signed the server's certificate, for an https server. */
  upstreamCa?: string | undefined;
  /** Whether clients speak TLS with the proxy. Default: as the server does. */
  tls?: boolean;
}

/** A proxy before one server that does to requests what networks and overloaded servers do. */
export interface FaultProxy extends AsyncDisposable {
  /** `https://127.0.0.1:PORT` */
  url: string;
  /** PEM, for the clients to trust; undefined over plain HTTP. */
  ca: string | undefined;
  /** Every request so far, in the order of their arrival. */
  log: Exchange[];
  /**
   * From now on requests of this route meet this fault; the first rule that fits decides.
   *
   * @returns how to take the rule away
   */
  on(route: Route, fault: FaultOrChoice): () => void;
  /** Takes all rules away. */
  clear(): void;
  /** Called, and awaited, with each request before it is forwarded; the fault it gives comes first. */
  beforeForward: ((exchange: Exchange) => FaultFromHook) | undefined;
  /** Called, and awaited, when the server has done what was asked, before the client hears of it. */
  afterApplied: ((exchange: Exchange) => FaultFromHook) | undefined;
  /** Stops the answers that are under way on this route where they are; the connections stay open. */
  freeze(route?: Route): void;
  /** Cuts the connections of the exchanges that are under way on this route. */
  cut(route?: Route): void;
  /** Resolves with the next exchange of this route, when it arrives. */
  next(route?: Route): Promise<Exchange>;
  close(): Promise<void>;
}

type FaultFromHook = Fault | undefined | Promise<Fault | undefined>;

/** An exchange that has not ended yet. */
interface Open {
  exchange: Exchange;
  flow: Flow;
  response: ServerResponse;
}

/**
 * Starts a proxy before a server. It ends TLS with a certificate of its own and speaks TLS again with an
 * https server; everything else, tokens included, passes through unchanged.
 */
export async function startFaultProxy(
  serverUrl: string,
  options: FaultProxyOptions = {},
): Promise<FaultProxy> {
  const url = new URL(serverUrl);
  const secure = url.protocol === "https:";
  const agent = secure ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  const upstream: Upstream = { url, ca: options.upstreamCa, agent };
  const rules = new Rules();
  const open = new Set<Open>();
  const waiting = new Set<{ route: Route; resolve: (exchange: Exchange) => void }>();

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const exchange = exchangeOf(request, proxy.log.length + 1);
    proxy.log.push(exchange);
    const entry: Open = { exchange, response, flow: { limit: Number.POSITIVE_INFINITY } };
    open.add(entry);
    response.once("close", () => open.delete(entry));
    carry(proxy, { upstream, rules, waiting }, request, entry).catch((error: unknown) => {
      fail(entry, error);
    });
  };
  const certificate = (options.tls ?? secure) ? makeCertificate("fault-proxy") : undefined;
  const server =
    certificate === undefined
      ? createServer(listener)
      : createTlsServer({ cert: certificate.certificate, key: certificate.key }, listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const chosen = (route: Route) => [...open].filter(({ exchange }) => fits(route, exchange));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
      agent.destroy();
    });
  const proxy: FaultProxy = {
    url: `${certificate === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    ca: certificate?.certificate,
    log: [],
    on: (route, fault) => rules.add(route, fault),
    clear: () => rules.clear(),
    beforeForward: undefined,
    afterApplied: undefined,
    freeze: (route = {}) => {
      for (const { flow } of chosen(route)) flow.limit = 0;
    },
    cut: (route = {}) => {
      for (const { response } of chosen(route)) response.destroy();
    },
    next: (route = {}) => new Promise((resolve) => waiting.add({ route, resolve })),
    close,
    [Symbol.asyncDispose]: close,
  };
  return proxy;
}

function exchangeOf({ method = "GET", url = "/", headers }: IncomingMessage, index: number) {
  const exchange: Exchange = {
    ...{ index, method, path: url, headers, body: "", receivedAt: Date.now() },
  };
  return exchange;
}

/** Takes one exchange from its arrival to its end. */
async function carry(
  proxy: FaultProxy,
  inside: {
    upstream: Upstream;
    rules: Rules;
    waiting: Set<{ route: Route; resolve: (exchange: Exchange) => void }>;
  },
  request: IncomingMessage,
  { exchange, flow, response }: Open,
): Promise<void> {
  const body = await buffer(request);
  exchange.body = body.toString();
  for (const waiter of inside.waiting) {
    if (!fits(waiter.route, exchange)) continue;
    inside.waiting.delete(waiter);
    waiter.resolve(exchange);
  }
  // Asked first, so that a rule counts this request also when the hook decides.
  const ruled = inside.rules.choose(exchange);
  const fault = (await proxy.beforeForward?.(exchange)) ?? ruled;
  if (fault !== undefined) exchange.fault = fault;
  if (fault?.kind === "delay") await sleep(fault.ms);
  if (endsBefore(fault, { exchange, response })) return;
  if (response.destroyed) return; // the client went away meanwhile

  const gone = new AbortController();
  response.once("close", () => gone.abort());
  exchange.forwardedAt = Date.now();
  const answer = await forward(inside.upstream, request, body, gone.signal);
  exchange.answeredAt = Date.now();
  exchange.status = answer.statusCode ?? 0;
  const late = (await proxy.afterApplied?.(exchange)) ?? fault;
  if (late !== undefined) exchange.fault = late;
  if (late?.kind === "cut-after" || late?.kind === "swallow") {
    answer.resume();
    if (late.kind === "cut-after") response.destroy();
    return;
  }
  if (late?.kind === "freeze") flow.limit = late.afterBytes;
  if (late?.kind === "slow-body") flow.slow = late;
  await relay(answer, response, exchange, flow);
}

/** Ends an exchange that the server never hears of; false when the fault is another. */
function endsBefore(
  fault: Fault | undefined,
  { exchange, response }: Pick<Open, "exchange" | "response">,
): boolean {
  switch (fault?.kind) {
    case "cut-before":
      response.destroy();
      break;
    case "answer":
      answer(response, fault);
      exchange.status = fault.status;
      break;
    case "black-hole":
      return true; // nothing ever comes
    default:
      return false;
  }
  exchange.endedAt = Date.now();
  return true;
}

function answer(
  response: ServerResponse,
  { status, headers = {}, body = "" }: Extract<Fault, { kind: "answer" }>,
): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const type = typeof body === "string" ? "text/plain" : "application/json";
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** The server or the client broke the connection: the other one sees the same. */
function fail({ exchange, response }: Open, error: unknown): void {
  exchange.endedAt = Date.now();
  if (response.destroyed) return; // our client went first
  const { code } = error as NodeJS.ErrnoException;
  if (response.headersSent || code === "ECONNRESET" || code === "ECONNREFUSED") response.destroy();
  else answer(response, { kind: "answer", status: 502, body: `fault proxy: ${error}` });
}
