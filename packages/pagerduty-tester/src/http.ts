import got, { type Got, TimeoutError } from "got";
import { z } from "zod";
import { type Outcome, PagerDutyError } from "./errors.ts";
import { redact } from "./redact.ts";

/** One request to PagerDuty's REST API. */
export interface ApiRequest {
  method: "GET" | "POST" | "PUT";
  path: string;
  query?: Record<string, string | string[]>;
  body?: object;
  signal?: AbortSignal | undefined;
}

export interface ApiAnswer {
  status: number;
  body: unknown;
  /** What the answer said of the rate limit that is closest to being reached. */
  limit: RateLimit | undefined;
}

export interface RateLimit {
  remaining: number;
  resetMs: number;
}

/** Milliseconds for each phase of one request. */
export interface Timeouts {
  lookup: number;
  connect: number;
  secureConnect: number;
  send: number;
  response: number;
  request: number;
}

export const defaultTimeouts: Timeouts = {
  lookup: 5_000,
  connect: 10_000,
  secureConnect: 10_000,
  send: 10_000,
  response: 30_000,
  request: 45_000,
};

/** Sends requests with the account's headers; every failure is a {@link PagerDutyError}. */
export type Transport = (request: ApiRequest) => Promise<ApiAnswer>;

/**
 * A transport over got that sends each request once: a retry or a followed redirect of a POST is a second page.
 */
export function createTransport(options: {
  apiUrl: string;
  token: string;
  from: string;
  userAgent?: string;
  timeouts?: Partial<Timeouts>;
}): Transport {
  const { apiUrl, token, from, userAgent = "pagerduty-tester", timeouts } = options;
  const client = got.extend({
    prefixUrl: apiUrl,
    headers: {
      accept: "application/vnd.pagerduty+json;version=2",
      authorization: authorization(token),
      "content-type": "application/json",
      "user-agent": userAgent,
      from,
    },
    timeout: { ...defaultTimeouts, ...timeouts },
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    responseType: "text",
  });
  return (request) => send(client, request, token);
}

/** OAuth tokens go as Bearer; REST API keys, 20 characters, in PagerDuty's own scheme. */
function authorization(token: string): string {
  return /^pd[a-z]{2}\+/.test(token) || token.length >= 40
    ? `Bearer ${token}`
    : `Token token=${token}`;
}

async function send(client: Got, request: ApiRequest, token: string): Promise<ApiAnswer> {
  const { method, path, query = {}, body, signal } = request;
  const what = `${method} /${path}`;
  let response: { statusCode: number; body: string; headers: Record<string, unknown> };
  try {
    response = await client(path, {
      method,
      searchParams: searchParams(query),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    signal?.throwIfAborted();
    // Never as `cause`: got's errors hold the headers, and with them the token.
    throw transportError(
      `${what} at ${new URL(String(client.defaults.options.prefixUrl)).host}`,
      error,
    );
  }
  const { statusCode: status, headers } = response;
  const limit = rateLimitOf(headers);
  const parsed = parseJson(response.body);
  if (status >= 200 && status < 300) {
    if (parsed !== undefined) return { status, body: parsed, limit };
    throw new PagerDutyError(`${what}: the answer, status ${status}, is no JSON`, {
      outcome: "unknown",
      status,
    });
  }
  throw answerError(what, status, parsed, token, retryAfter(headers, limit));
}

function searchParams(query: Record<string, string | string[]>): URLSearchParams {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((each): [string, string] => [name, each]),
  );
  return new URLSearchParams(pairs);
}

const errorBody = z.object({
  error: z.object({
    message: z.string().catch(""),
    code: z.number().optional().catch(undefined),
    errors: z
      .union([z.array(z.string()), z.string()])
      .optional()
      .catch(undefined),
  }),
});

function answerError(
  what: string,
  status: number,
  body: unknown,
  token: string,
  retryAfterMs: number | undefined,
): PagerDutyError {
  const { data } = errorBody.safeParse(body);
  const errors = [data?.error.errors ?? []].flat().map((text) => redact(text, [token]));
  const said = [redact(data?.error.message ?? "", [token]), ...errors].filter(Boolean).join(": ");
  const code = data?.error.code;
  const words = status >= 300 && status < 400 ? redirected : hints[status];
  const hint = words === undefined ? "" : `; ${words}`;
  const facts = `status ${status}${code === undefined ? "" : `, code ${code}`}`;
  return new PagerDutyError(`${what}: ${said === "" ? facts : `${said} (${facts})`}${hint}`, {
    outcome: outcomeOf(status),
    status,
    apiCode: code,
    errors,
    retryAfterMs,
  });
}

const redirected =
  "is PAGERDUTY_API_URL right? A redirect is not followed, for it would send a page twice";
const hints: Record<number, string> = {
  401: "is PAGERDUTY_TOKEN right, and the account's region (region: us or eu)?",
  402: "the account's plan lacks an ability this needs",
  403: "the token may not do this; it needs write access, or the scopes in the README",
};

/** A server that gave up or went away may have done its work before. */
function outcomeOf(status: number): Outcome {
  return status >= 500 || status === 408 ? "unknown" : "refused";
}

const neverSentCodes = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EHOSTUNREACH",
]);
const neverSentPhases = new Set(["lookup", "connect", "secureConnect"]);

function transportError(what: string, error: unknown): PagerDutyError {
  if (error instanceof TimeoutError) {
    const outcome = neverSentPhases.has(error.event) ? "not-sent" : "unknown";
    return new PagerDutyError(`${what}: timed out (${error.event})`, { outcome });
  }
  const { code = "", message } = error as NodeJS.ErrnoException;
  const outcome = neverSentCodes.has(code) ? "not-sent" : "unknown";
  return new PagerDutyError(`${what}: ${sentences[code] ?? redact(code || message)}`, { outcome });
}

const sentences: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was reset",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the host's name could not be looked up",
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// PagerDuty's windows are a minute. What says much more counts something else, such as the seconds since 1970.
const longestWaitMs = 10 * 60_000;

function rateLimitOf(headers: Record<string, unknown>): RateLimit | undefined {
  const remaining = numberOf(headers["ratelimit-remaining"]);
  const reset = numberOf(headers["ratelimit-reset"]);
  if (remaining === undefined || reset === undefined) return undefined;
  return { remaining, resetMs: Math.min(reset * 1000, longestWaitMs) };
}

/** PagerDuty documents `ratelimit-reset` alone; a proxy before it may speak `retry-after`. */
function retryAfter(
  headers: Record<string, unknown>,
  limit: RateLimit | undefined,
): number | undefined {
  if (limit !== undefined) return limit.resetMs;
  const after = headers["retry-after"];
  const seconds = numberOf(after);
  // A date is on the server's clock, and so is the answer's own.
  const milliseconds =
    seconds === undefined
      ? Date.parse(String(after)) - Date.parse(String(headers["date"]))
      : seconds * 1000;
  return milliseconds >= 0 ? Math.min(milliseconds, longestWaitMs) : undefined;
}

function numberOf(header: unknown): number | undefined {
  if (typeof header !== "string" || header.trim() === "") return undefined;
  const number = Number(header);
  return Number.isFinite(number) && number >= 0 ? number : undefined;
}
