import { setTimeout as sleep } from "node:timers/promises";
import { reasonsOf, type Wait } from "../wait.ts";
import type { DaemonEvent } from "./event.ts";

export interface WebhookOptions {
  /** Where to post. It may hold a secret and is never shown. */
  url: string;
  /** Told of a notification that was given up. */
  failed(error: Error): void;
  /** Milliseconds before the second try; each later one takes four times as long. @default 1000 */
  retryMs?: number;
  /** Milliseconds that `close` waits for answers. @default 2000 */
  closeMs?: number;
}

/** Tells of each node's drain. Nobody waits for the receiver but the end of the process, for a moment. */
export interface Webhook {
  notify(event: DaemonEvent): void;
  /** Resolves when every notification has been taken, or the moment is over: then what is left is given up. */
  close(): Promise<void>;
}

/** What is posted, as JSON; `text` is what chat services show. */
export interface WebhookMessage {
  event: "begun" | "drained" | "ended" | "alarm";
  text: string;
  instanceId: string;
  node?: string;
  outcome?: string;
  waits?: Wait[];
  at: string;
}

const attempts = 3;
const answerMs = 5000;
/** A receiver that is away must not gather the notifications of a whole rollout in memory. */
const mostPending = 100;

/** Posts the begin and the end of each node's drain, and alarms. */
export function createWebhook(options: WebhookOptions): Webhook {
  const { url, failed, retryMs = 1000, closeMs = 2000 } = options;
  const nodes = new Map<string, { node?: string; waits?: Wait[] }>();
  const pending = new Set<Promise<void>>();
  const closing = new AbortController();
  const { signal } = closing;

  async function post(message: WebhookMessage): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const problem = await postOnce(url, message, signal);
      if (problem === undefined || signal.aborted) return;
      if (attempt === attempts) return failed(new Error(`the webhook ${problem}`));
      await sleep(retryMs * 4 ** (attempt - 1), undefined, { signal }).catch(() => {});
    }
  }

  function notify(event: DaemonEvent): void {
    if (event.type === "begun") nodes.set(event.instanceId, { node: event.node });
    if (event.type === "waiting") {
      nodes.set(event.instanceId, { ...nodes.get(event.instanceId), waits: event.waits });
    }
    const message = messageFor(event, nodes);
    if (event.type === "ended") nodes.delete(event.instanceId);
    if (message === undefined) return;
    if (pending.size < mostPending) {
      const posting = post(message).finally(() => pending.delete(posting));
      pending.add(posting);
    } else failed(new Error("the webhook is too slow"));
  }

  return {
    notify,
    async close() {
      const timer = setTimeout(() => closing.abort(), closeMs);
      await Promise.all(pending);
      clearTimeout(timer);
    },
  };
}

/** What went wrong, without the address. */
async function postOnce(
  url: string,
  message: WebhookMessage,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(message),
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
      redirect: "error",
    });
    await response.body?.cancel();
    return response.ok ? undefined : `answered ${response.status}`;
  } catch (error) {
    const { name, cause } = error as Error;
    if (name === "TimeoutError") return `did not answer in ${answerMs / 1000} s`;
    const code = (cause as NodeJS.ErrnoException | undefined)?.code;
    return `cannot be reached${code === undefined ? "" : ` (${code})`}`;
  }
}

function messageFor(
  event: DaemonEvent,
  nodes: ReadonlyMap<string, { node?: string; waits?: Wait[] }>,
): WebhookMessage | undefined {
  if (event.type !== "begun" && event.type !== "alarm" && event.type !== "ended") return undefined;
  const { instanceId } = event;
  const { node, waits = [] } = nodes.get(instanceId) ?? {};
  const name = node === undefined ? instanceId : `${node} (${instanceId})`;
  const base = {
    instanceId,
    ...(node === undefined ? {} : { node }),
    at: new Date().toISOString(),
  };
  switch (event.type) {
    case "begun":
      return { event: "begun", text: `draining ${name}`, ...base };
    case "alarm": {
      const reasons = reasonsOf(waits).join("; ");
      const text = `draining ${name} takes longer than it should: ${reasons}`;
      return { event: "alarm", text, ...base, waits };
    }
    case "ended": {
      const { outcome, durationMs } = event;
      if (outcome === "handed-over") return undefined;
      const text = `${name}: ${outcome} after ${Math.round(durationMs / 1000)} s`;
      return { event: outcome === "drained" ? "drained" : "ended", text, outcome, ...base };
    }
  }
}
