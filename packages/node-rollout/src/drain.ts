import { setTimeout as sleep } from "node:timers/promises";
import { type BudgetFeed, followBudgets } from "./budgets.ts";
import { cordon } from "./cordon.ts";
import { createDrainMachine, type DrainMachine } from "./drain-machine.ts";
import { takeSteps } from "./drain-steps.ts";
import type { EvictionOutcome } from "./eviction.ts";
import type { Kubernetes } from "./kubernetes.ts";
import { limited } from "./kubernetes-limited.ts";
import { type DrainPolicy, type PodVerdict, turnOf } from "./plan.ts";
import { followPodsOf, type PodsOfNode } from "./pods-of-node.ts";
import { persist } from "./retry.ts";
import { createTokenBucket, type TokenBucket } from "./token-bucket.ts";
import { until } from "./until.ts";
import { attachedVolumes } from "./volumes.ts";
import type { Wait } from "./wait.ts";
import { createWake, type Wake } from "./wake.ts";

/** What happens while a node is drained. */
export type DrainProgress =
  /** What is going to be done; with `dryRun` the only event. */
  | { type: "planned"; pods: PodVerdict[]; blocked: PodVerdict[] }
  | { type: "cordoned"; node: string }
  | { type: "evicted" | "forced" | "gone"; pod: PodVerdict["pod"] }
  | { type: "refused"; pod: PodVerdict["pod"]; outcome: EvictionOutcome }
  /** What is waited for has changed. */
  | { type: "waiting"; waits: Wait[] }
  /** A request failed and is tried again. */
  | { type: "failed"; error: unknown }
  | { type: "timedOut"; waits: Wait[] }
  | { type: "drained"; pods: number; durationMs: number };

export interface DrainOptions {
  kubernetes: Kubernetes;
  /** The node's name. */
  node: string;
  policy?: DrainPolicy;
  /** The budgets, if somebody follows them already. @default followed for this drain */
  budgets?: BudgetFeed;
  /** Milliseconds until the drain gives up, or has forced what was left. @default no limit */
  timeoutMs?: number;
  /** `stop` ends with `timedOut`; `force` deletes what is left so that its grace ends in time. @default "stop" */
  onTimeout?: "stop" | "force";
  /** Milliseconds after cordoning before the node can count as empty: the scheduler may not know yet. @default 1000 */
  settleMs?: number;
  /** Wait until the node's volumes are detached, too. @default false */
  volumes?: boolean;
  /** Cordon first; false where that was done already. @default true */
  cordon?: boolean;
  /** The rate that this drain shares with others. @default its own: 50 requests a second, 300 at once */
  bucket?: TokenBucket;
  /** Say what would be done and do nothing. @default false */
  dryRun?: boolean;
  signal?: AbortSignal;
}

/** A watch may be deaf: after this time without news of the pods they are listed. */
const relistMs = 30_000;
const volumePollMs = 2000;

/**
 * Empties a node as fast as its PodDisruptionBudgets allow: cordons it, evicts its pods, woken by every change
 * to a pod or a budget, and ends when a consistent list shows that nothing is left that has to go.
 *
 * @returns its progress; ending the iteration ends the drain and leaves the node cordoned
 * @throws ApiError when the node does not exist, or what the drain needs is not allowed
 */
export async function* drainNode(options: DrainOptions): AsyncGenerator<DrainProgress> {
  const drain = await open(options);
  const { machine, pods, signal } = drain;
  try {
    await until(pods.ready, signal);
    yield planOf(machine, options.policy);
    if (options.dryRun) return;
    if (options.cordon ?? true) {
      await drain.insist(() => cordon(drain.kubernetes, options.node, signal));
      yield { type: "cordoned", node: options.node };
    }
    const timedOut = yield* untilEmpty(drain, Date.now() + (options.settleMs ?? 1000));
    if (timedOut !== undefined) return yield timedOut;
    if (options.volumes) await untilDetached(drain);
    yield* drain.events.splice(0);
    yield { type: "drained", pods: drain.gone(), durationMs: Date.now() - drain.began };
  } finally {
    drain.close();
  }
}

interface Drain {
  options: DrainOptions;
  kubernetes: Kubernetes;
  machine: DrainMachine;
  pods: PodsOfNode;
  wake: Wake;
  /** Not told yet. */
  events: DrainProgress[];
  began: number;
  deadline: number;
  signal: AbortSignal;
  gone(): number;
  /** Tries until it succeeds or is refused. */
  insist<T>(attempt: () => Promise<T>): Promise<T>;
  close(): void;
}

async function open(options: DrainOptions): Promise<Drain> {
  const { node, policy = {}, timeoutMs = Number.POSITIVE_INFINITY, onTimeout } = options;
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, ...(options.signal ? [options.signal] : [])]);
  const bucket = options.bucket ?? createTokenBucket({ qps: 50, burst: 300 });
  const kubernetes = limited(options.kubernetes, bucket, node);
  const wake = createWake();
  const events: DrainProgress[] = [];
  const tell = (event: DrainProgress) => {
    events.push(event);
    wake.notify();
  };
  const failed = (error: unknown) => tell({ type: "failed", error });
  signal.addEventListener("abort", wake.notify, { once: true });

  const budgets = options.budgets ?? followBudgets(kubernetes, { signal, failed });
  await until(budgets.ready, signal);
  const stopListening = budgets.onChange(wake.notify);
  const began = Date.now();
  const deadline = began + timeoutMs;
  const machine = createDrainMachine({
    policy,
    ledger: budgets.ledger,
    ...(onTimeout === "force" ? { forceBy: deadline } : {}),
  });
  let gone = 0;
  const pods = followPodsOf(node, {
    kubernetes,
    machine,
    signal,
    news: {
      gone({ metadata: { namespace, name, uid } }) {
        gone += 1;
        tell({ type: "gone", pod: { namespace, name, uid } });
      },
      changed: wake.notify,
      failed,
    },
  });
  return {
    options,
    kubernetes,
    machine,
    pods,
    wake,
    events,
    began,
    deadline,
    signal,
    gone: () => gone,
    insist: (attempt) => persist(attempt, { signal, onRetry: failed }),
    close() {
      stopListening();
      ending.abort();
    },
  };
}

/** Acts until the node is empty, or until the time is up, which it returns. */
async function* untilEmpty(
  drain: Drain,
  settledAt: number,
): AsyncGenerator<DrainProgress, DrainProgress | undefined> {
  const { kubernetes, machine, pods, wake, events, deadline, signal, options } = drain;
  const tell = (event: DrainProgress) => {
    events.push(event);
    wake.notify();
  };
  let shown = "";
  for (;;) {
    const now = Date.now();
    const decision = machine.decide(now);
    takeSteps(decision, { kubernetes, machine, signal, tell });
    yield* events.splice(0);
    signal.throwIfAborted();
    if (decision.empty && now >= settledAt) {
      await drain.insist(pods.list);
      if (machine.decide(Date.now()).empty) return undefined;
      continue;
    }
    const key = decision.waits.map(({ code, object }) => `${code} ${object}`).join();
    if (key !== shown) yield { type: "waiting", waits: decision.waits };
    shown = key;
    if (now >= deadline && options.onTimeout !== "force") {
      return { type: "timedOut", waits: decision.waits };
    }
    if (now - pods.heardAt() > relistMs) await drain.insist(pods.list);
    const next = decision.empty ? settledAt : decision.askAt;
    await wake.wait(Math.max(10, next - Date.now()));
  }
}

async function untilDetached(drain: Drain): Promise<void> {
  const { kubernetes, options, deadline, signal } = drain;
  while (Date.now() < deadline) {
    const left = await drain.insist(() => attachedVolumes(kubernetes, options.node, signal));
    if (left.length === 0) return;
    await sleep(volumePollMs, undefined, { signal });
  }
}

function planOf(machine: DrainMachine, policy: DrainPolicy = {}): DrainProgress {
  const pods = machine.verdicts().toSorted((a, b) => turnOf(a, policy) - turnOf(b, policy));
  return { type: "planned", pods, blocked: pods.filter(({ action }) => action === "block") };
}
