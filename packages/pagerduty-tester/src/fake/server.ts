import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type Clock, systemClock } from "../clock.ts";
import { type Account, type AccountOptions, openAccount } from "./account.ts";
import { control, type SeenRequest } from "./control.ts";
import { type FakeFault, faultScript } from "./faults.ts";
import type { FakeIncident, FakePage, FakeSwitches, FakeUser } from "./model.ts";
import { invalid, Problem } from "./problem.ts";
import { readQuery } from "./query.ts";
import { rateWindows, type WindowState } from "./rate-window.ts";
import { route } from "./routes.ts";

export interface FakePagerDutyOptions extends AccountOptions {
  /** @default 0, any free one */
  port?: number;
  /** @default "127.0.0.1" */
  host?: string;
  /** @default the machine's own */
  clock?: Clock;
  /** New incidents a service takes in a window. @default 6 in 60 s */
  rateLimit?: { limit: number; seconds: number };
  faults?: FakeFault[];
}

/** A fake PagerDuty that runs. */
export interface FakePagerDuty {
  /** For PAGERDUTY_API_URL. */
  url: string;
  /** Every notification that reached a person: the number that must never be two for one run. */
  pages: readonly FakePage[];
  incidents: readonly FakeIncident[];
  requests: readonly SeenRequest[];
  switches: FakeSwitches;
  addUser(user: FakeUser): void;
  addFaults(...faults: FakeFault[]): void;
  close(): Promise<void>;
}

/** Starts a PagerDuty with state, people who answer, a rate limit and scripted faults, over HTTP on this machine. */
export async function startFakePagerDuty(
  options: FakePagerDutyOptions = {},
): Promise<FakePagerDuty> {
  const { port = 0, host = "127.0.0.1", clock = systemClock } = options;
  const { limit, seconds } = options.rateLimit ?? { limit: 6, seconds: 60 };
  const account = openAccount(clock, options);
  const faults = faultScript(options.faults);
  const requests: SeenRequest[] = [];
  const world = { requests, addFaults: faults.add };
  const takeFromWindow = rateWindows(clock, limit, seconds);

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.destroy(error as Error);
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/" } = request;
    const { pathname, searchParams } = new URL(url, "http://fake");
    const text = await readBody(request);
    if (pathname.startsWith("/control/")) {
      send(response, ...answerOf(() => control(account, world, method, pathname, json(text))));
      return;
    }
    const seen: SeenRequest = { method, path: url };
    requests.push(seen);
    const fault = faults.take(
      method,
      pathname,
      `${decodeURIComponent(searchParams.toString())} ${text}`,
    );
    if (fault?.delayMs !== undefined) await delay(fault.delayMs);
    if (fault?.cut === "before") {
      response.destroy();
      return;
    }
    if (fault?.status !== undefined) {
      seen.status = fault.status;
      send(response, fault.status, fault.body ?? "", fault.headers);
      return;
    }
    const headers: Record<string, string> = { ...fault?.headers };
    const [status, body] = await answer(() => {
      checkHeaders(account, request);
      if (method === "POST") {
        const window = takeFromWindow(serviceOf(text));
        if (account.switches.rateLimitHeaders) Object.assign(headers, rateHeaders(window));
        if (!window.allowed) throw new Problem(429, 2020, "Rate Limit Exceeded");
      }
      const from = request.headers["from"];
      return route(account, method, pathname, {
        query: readQuery(searchParams),
        ...(from === undefined ? {} : { from }),
        body: json(text),
      });
    });
    seen.status = status;
    if (fault?.cut === "after") response.destroy();
    else if (fault?.answer === "half") sendHalf(response, status, body);
    else if (fault?.answer === "trickle") await trickle(response, status);
    else send(response, status, body, headers);
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  });
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    pages: account.pages,
    incidents: account.incidents,
    requests,
    switches: account.switches,
    addUser: (user) => account.users.set(user.id, user),
    addFaults: faults.add,
    close: () => {
      account.ended.abort();
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function json(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("the body is no JSON");
  }
}

/** What is unsaid here a real account refuses: version, type of the body, token. */
function checkHeaders({ token }: Account, { headers, method }: IncomingMessage): void {
  const given = headers["authorization"]?.match(/^(?:Token token=|Bearer )(\S+)$/)?.[1];
  if (given === undefined || (token !== undefined && given !== token)) {
    throw new Problem(401, 2006, "Authentication failed");
  }
  if (!headers["accept"]?.includes("application/")) throw invalid("Accept header is required");
  if (method !== "GET" && !headers["content-type"]?.startsWith("application/json")) {
    throw new Problem(400, 2001, "Invalid Input Provided", ["params must be a Hash"]);
  }
}

function serviceOf(text: string): string {
  const body = json(text) as { incident?: { service?: { id?: string } } } | undefined;
  return body?.incident?.service?.id ?? "";
}

function rateHeaders({ limit, remaining, reset }: WindowState): Record<string, string> {
  return {
    "ratelimit-limit": String(limit),
    "ratelimit-remaining": String(remaining),
    "ratelimit-reset": String(reset),
  };
}

async function answer(
  action: () => Promise<{ status: number; body: object }>,
): Promise<[number, object]> {
  try {
    const { status, body } = await action();
    return [status, body];
  } catch (error) {
    return problemOf(error);
  }
}

function answerOf(action: () => object): [number, object] {
  try {
    return [200, action()];
  } catch (error) {
    return problemOf(error);
  }
}

function problemOf(error: unknown): [number, object] {
  if (error instanceof Problem) return [error.status, error.body];
  throw error;
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

function sendHalf(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json" });
  response.end(text.slice(0, text.length / 2));
}

async function trickle(response: ServerResponse, status: number): Promise<void> {
  response.writeHead(status, { "content-type": "application/json" });
  while (!response.destroyed) {
    response.write(" ");
    await delay(50);
  }
}
