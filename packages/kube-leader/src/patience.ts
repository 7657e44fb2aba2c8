import { setTimeout as sleep } from "node:timers/promises";
import { type Api, type Call, type Reply, UnreachableError, type WatchEvent } from "./api.ts";
import { ApiError, RefusedError } from "./errors.ts";

/** Sends calls and bears what may pass: an unreachable or overloaded server, and for a while a refusal. */
export interface PatientApi {
  /** Tries until the server has answered with success, 404, 409 or 410. */
  ask(call: Call, options: CallOptions): Promise<Reply>;
  /** Tries once; undefined, after a pause, when it is not clear whether the call was done. */
  try(call: Call, options: CallOptions): Promise<Reply | undefined>;
  /** Opens a watch, as `try`. */
  watch(
    call: Call & { timeoutSeconds: number },
    options: CallOptions,
  ): Promise<Reply | AsyncIterable<WatchEvent> | undefined>;
  /** Waits before something is done again, longer every time until `calm` was called for it. */
  pause(what: string, signal: AbortSignal): Promise<void>;
  /** How long `pause` would wait this time, in milliseconds, for those who wait in their own way. */
  pauseMs(what: string): number;
  calm(what: string): void;
}

export interface CallOptions {
  signal: AbortSignal;
  /** Answers a 403 at once instead of hoping for better. */
  mayBeRefused?: boolean;
}

export interface PatienceOptions {
  api: Api;
  /** Who is refused, for the message: `system:serviceaccount:NAMESPACE:NAME`. */
  user: string | undefined;
  /** Told once in every time of trouble, in a sentence. */
  onTrouble: (sentence: string) => void;
}

/** How long refusals (401, 403) are borne: a token may be in rotation, a role about to be bound. */
const refusedForMs = 60_000;
const unreachable = "the server";
const pausesMs = { least: 200, most: 10_000, asked: 60_000 };

export function createPatientApi({ api, user, onTrouble }: PatienceOptions): PatientApi {
  const failures = new Map<string, number>();
  const refusals = new Map<string, { since: number; last: number }>();
  /** What was said of each trouble that lasts: of the whole server, or of one kind of call. */
  const troubles = new Map<string, string>();

  /** @param detail may differ from one time to the next, which is no news */
  const tell = (trouble: string, sentence: string, detail = "") => {
    const isSaid = troubles.has(trouble) || [...troubles.values()].includes(sentence);
    troubles.set(trouble, sentence);
    if (!isSaid) onTrouble(`${sentence}${detail}; trying again`);
  };

  function pauseMs(what: string): number {
    const times = failures.get(what) ?? 0;
    failures.set(what, times + 1);
    const longest = Math.min(pausesMs.most, pausesMs.least * 2 ** times);
    return longest * (0.5 + Math.random() / 2);
  }

  function pause(what: string, signal: AbortSignal, askedMs = 0): Promise<void> {
    return rest(Math.min(askedMs, pausesMs.asked) + pauseMs(what), signal);
  }

  function refused(call: Call, { status, body }: Reply): void {
    const key = keyOf(call);
    const now = performance.now();
    const before = refusals.get(key);
    // After a longer time than any pause nobody was asking: what was refused then says nothing of now.
    const isLasting = before !== undefined && now - before.last <= pausesMs.asked + pausesMs.most;
    const since = isLasting ? before.since : now;
    refusals.set(key, { since, last: now });
    const sentence = refusal(call, user, status, messageOf(body));
    if (isNamespaceEnding(body)) throw new RefusedError(sentence);
    if (now - since >= refusedForMs) {
      throw new RefusedError(`${sentence}; refused for ${refusedForMs / 1000} s`);
    }
    tell(key, sentence);
  }

  /** The answer, or undefined after a pause when there was none to go by. */
  async function attempt<T>(
    call: Call,
    { signal, mayBeRefused = false }: CallOptions,
    send: () => Promise<Reply | T>,
  ): Promise<Reply | T | undefined> {
    const key = keyOf(call);
    let retryAfterMs: number | undefined;
    try {
      const answer = await send();
      if (!isReply(answer) || isAnswer(answer.status) || (answer.status === 403 && mayBeRefused)) {
        // Not by an answer that is no help: an outage in which broken connections and 503 take turns is one.
        troubles.delete(unreachable);
        troubles.delete(key);
        failures.delete(key);
        refusals.delete(key);
        return answer;
      }
      const { status, body } = answer;
      retryAfterMs = answer.retryAfterMs;
      if (status === 401 || status === 403) refused(call, answer);
      else if (status === 429 || status >= 500) {
        tell(
          key,
          `the API server at ${api.server.host} answers ${status} ${messageOf(body)}`.trim(),
        );
      } else throw new ApiError(`cannot ${wordsOf(call)}: HTTP ${status} ${messageOf(body)}`);
    } catch (error) {
      if (!isPassing(error)) throw error;
      // Watches may break for ever where all else is answered.
      const trouble = call.verb === "watch" ? key : unreachable;
      tell(trouble, `cannot reach the API server at ${api.server.host}`, `: ${error.message}`);
    }
    await pause(key, signal, retryAfterMs);
    return undefined;
  }

  const tryOnce: PatientApi["try"] = (call, options) =>
    attempt<never>(call, options, () => api.send(call, options.signal));

  return {
    ask: async (call, options) => {
      for (;;) {
        const answer = await tryOnce(call, options);
        if (answer !== undefined) return answer;
      }
    },
    try: tryOnce,
    watch: (call, options) => attempt(call, options, () => api.watch(call, options.signal)),
    pause,
    pauseMs,
    calm: (what) => failures.delete(what),
  };
}

/** @throws the signal's reason */
export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0) return;
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

function isReply(answer: Reply | unknown): answer is Reply {
  return typeof (answer as Reply).status === "number";
}

/** Statuses that tell the state of things: 404 and 409 do, and 410 says to list anew. */
function isAnswer(status: number): boolean {
  return status < 300 || status === 404 || status === 409 || status === 410;
}

/** What a file system says while a token is replaced passes like a broken connection. */
function isPassing(error: unknown): error is Error {
  return error instanceof UnreachableError;
}

function keyOf({ verb, resource }: Call): string {
  return `${verb} ${resource}`;
}

function wordsOf({ verb, resource, namespace, name }: Call): string {
  return `${verb} ${resource}${name === undefined ? "" : `/${name}`} in namespace ${namespace}`;
}

function messageOf(body: unknown): string {
  // Pages of what stands between have many lines; ours is one.
  return ((body as { message?: string } | null)?.message ?? "").replace(/\s+/g, " ").trim();
}

function refusal(call: Call, user: string | undefined, status: number, message: string): string {
  const who = user ?? message.match(/User "([^"]+)"/)?.[1] ?? "this pod's service account";
  const what = status === 401 ? "the token is not accepted" : "forbidden";
  return `not allowed to ${wordsOf(call)} as ${who}: HTTP ${status}, ${what}${message && ` (${message})`}; "kube-leader render rbac" prints the role that allows it`;
}

function isNamespaceEnding(body: unknown): boolean {
  const { details } = (body ?? {}) as { details?: { causes?: { reason?: string }[] } };
  return details?.causes?.some(({ reason }) => reason === "NamespaceTerminating") ?? false;
}
