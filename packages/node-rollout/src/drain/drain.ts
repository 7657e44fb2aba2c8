import { setTimeout as sleep } from "node:timers/promises";
import { createNodeEvents, type NodeEvents } from "../daemon/node-events.ts";
import { isApiError, type Kubernetes } from "../kubernetes/kubernetes.ts";
import { limited } from "../kubernetes/limited.ts";
import { type NodeWatch, watchNode } from "../kubernetes/node-watch.ts";
import { type Node, type Pod, toNode } from "../kubernetes/objects.ts";
import { createTokenBucket, type TokenBucket } from "../kubernetes/token-bucket.ts";
import { persist } from "../retry.ts";
import { reasonsOf, type Wait } from "../wait.ts";
import { createWake, type Wake } from "../wake.ts";
import { type BudgetFeed, followBudgets } from "./budgets.ts";
import { cordon, nodePath } from "./cordon.ts";
import { createDrainMachine, type DrainMachine } from "./machine.ts";
import { type DrainPolicy, turnOf } from "./plan.ts";
import { followPodsOf, type PodsOfNode } from "./pods-of-node.ts";
import type { DrainProgress } from "./progress.ts";
import { createSteps, type Steps } from "./steps.ts";
import { attachedVolumes } from "./volumes.ts";

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
  /** Notice when somebody deletes the node; false where somebody else does. @default true */
  watchNode?: boolean;
  /** The rate that this drain shares with others. @default its own: 50 requests a second, 300 at once */
  bucket?: TokenBucket;
  /** Record Kubernetes Events on the node. @default true */
  events?: boolean;
  /** Say what would be done and do nothing. @default false */
  dryRun?: boolean;
  signal?: AbortSignal;
}

/**
 * A watch may be deaf: after this time without news of the pods they are listed, and after twice the time when that
 * shows that it is not. A thousand drains that wait would list away the rate that their evictions need.
 */
const relistFirstMs = 30_000;
const relistLongestMs = 300_000;
const volumePollMs = 2000;
/** A drain that is over before need not watch the node: what happened to it meanwhile is told then. */
const unwatchedMs = 10_000;

/**
 * Empties a node as fast as its PodDisruptionBudgets allow: cordons it, evicts its pods, woken by every change
 * to a pod or a budget, and ends when a consistent list shows that nothing is left that has to go. Nothing is
 * touched before `planned` is taken: ending the iteration there leaves everything as it was.
 *
 * @returns its progress; ending the iteration ends the drain and leaves the node cordoned. The answers to evictions
 * that were sent are waited for first, up to five seconds
 * @throws ApiError when the node does not exist, or what the drain needs is not allowed
 */
export async function* drainNode(options: DrainOptions): AsyncGenerator<DrainProgress> {
  const drain = open(options);
  const { machine, signal } = drain;
  try {
    yield* untilKnown(drain);
    const isCordoning = !options.dryRun && (options.cordon ?? true);
    const found = isCordoning ? undefined : await drain.insist(drain.read);
    yield planOf(machine, options.policy);
    if (options.dryRun) return;
    const node = found ?? (await drain.insist(drain.cordon));
    if (isCordoning) yield { type: "cordoned", node: options.node };
    drain.begin(node);
    drain.nodeEvents.record("Normal", "DrainStarted", `evicting ${toEvict(machine)} pods`);
    const cut =
      (yield* untilEmpty(drain)) ?? (options.volumes ? yield* untilDetached(drain) : undefined);
    yield* drain.events.splice(0);
    const end = cut ?? {
      type: "drained",
      pods: drain.gone(),
      durationMs: Date.now() - drain.began,
    };
    recordEnd(end, drain.nodeEvents);
    yield end;
  } catch (error) {
    signal.throwIfAborted(); // with what ended it, not with what that broke off
    throw error;
  } finally {
    await drain.close();
  }
}

/** What ends a drain before the node is empty. */
type Cut = Extract<DrainProgress, { type: "timedOut" | "nodeGone" }>;

interface Drain {
  options: DrainOptions;
  kubernetes: Kubernetes;
  machine: DrainMachine;
  steps: Steps;
  pods: PodsOfNode;
  wake: Wake;
  /** Not told yet. */
  events: DrainProgress[];
  began: number;
  deadline: number;
  signal: AbortSignal;
  gone(): number;
  budgets: BudgetFeed;
  read(): Promise<Node>;
  cordon(): Promise<Node>;
  /** From now on the node is followed, and what happens is told in Events. */
  begin(node: Node): void;
  isNodeGone(): boolean;
  nodeEvents: NodeEvents;
  /** Tries until it succeeds or is refused. */
  insist<T>(attempt: () => Promise<T>): Promise<T>;
  /** Resolves when nothing of it is under way any more. */
  close(): Promise<void>;
}

function open(options: DrainOptions): Drain {
  const { policy = {}, timeoutMs = Number.POSITIVE_INFINITY, onTimeout } = options;
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, ...(options.signal ? [options.signal] : [])]);
  const bucket = options.bucket ?? createTokenBucket({ qps: 50, burst: 300 });
  const kubernetes = limited(options.kubernetes, bucket, options.node);
  const wake = createWake();
  const events: DrainProgress[] = [];
  const tell = (event: DrainProgress) => {
    events.push(event);
    wake.notify();
  };
  const failed = (error: unknown) => {
    // What may not be watched cannot be drained: better to say so than to wait for news that never come.
    if (isApiError(error, 401, 403)) ending.abort(error);
    else tell({ type: "failed", error });
  };
  signal.addEventListener("abort", wake.notify, { once: true });

  const budgets = options.budgets ?? followBudgets(kubernetes, { signal, failed });
  const began = Date.now();
  const deadline = began + timeoutMs;
  const machine = createDrainMachine({
    policy,
    ledger: budgets.ledger,
    ...(onTimeout === "force" ? { forceBy: deadline } : {}),
  });
  const turn = () => bucket.take(options.node, signal);
  const steps = createSteps({ kubernetes: options.kubernetes, machine, signal, turn, tell });
  const stopListening = budgets.onChange((budget) => {
    if (budget === undefined || machine.waitsFor(budget)) wake.notify();
  });
  let gone = 0;
  const news = {
    gone({ metadata: { namespace, name, uid } }: Pod) {
      gone += 1;
      tell({ type: "gone", pod: { namespace, name, uid } });
    },
    changed: wake.notify,
    failed,
  };
  const pods = followPodsOf(options.node, { kubernetes, machine, signal, news });
  let node: NodeWatch | undefined;
  const drain: Drain = {
    ...{
      options,
      kubernetes,
      machine,
      steps,
      pods,
      budgets,
      wake,
      events,
      began,
      deadline,
      signal,
    },
    gone: () => gone,
    read: async () => toNode(await kubernetes.request({ path: nodePath(options.node), signal })),
    cordon: () => cordon(kubernetes, options.node, signal),
    begin(known) {
      if (options.watchNode ?? true) {
        const watch = () => {
          node = watchNode(kubernetes, known, { signal, changed: wake.notify, failed });
        };
        const timer = setTimeout(watch, unwatchedMs);
        signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
      }
      if (options.events ?? true) drain.nodeEvents = createNodeEvents(kubernetes, known.metadata);
    },
    isNodeGone: () => node !== undefined && node() === undefined,
    nodeEvents: silent,
    insist: (attempt) => persist(attempt, { signal, onRetry: failed }),
    close() {
      stopListening();
      ending.abort();
      return steps.ended();
    },
  };
  return drain;
}

const silent: NodeEvents = { record() {}, blocked() {} };

/** Waits until pods and budgets are known, and tells what fails meanwhile. */
async function* untilKnown(drain: Drain): AsyncGenerator<DrainProgress> {
  const { pods, budgets, events, wake, signal } = drain;
  let known = false;
  void Promise.all([budgets.ready, pods.ready]).then(() => {
    known = true;
    wake.notify();
  });
  while (!known) {
    yield* events.splice(0);
    await wake.wait(1000);
    signal.throwIfAborted();
  }
}

function toEvict(machine: DrainMachine): number {
  return machine.verdicts().filter(({ action }) => action !== "skip").length;
}

function recordEnd(end: DrainProgress, events: NodeEvents): void {
  if (end.type === "drained") {
    const seconds = (end.durationMs / 1000).toFixed(1);
    events.record("Normal", "Drained", `${end.pods} pods went in ${seconds} s`);
  }
  if (end.type === "timedOut") {
    events.record("Warning", "DrainTimedOut", reasonsOf(end.waits).join("; "));
  }
}

/** Acts until the node is empty, or something else ends the drain, which it returns. */
async function* untilEmpty(drain: Drain): AsyncGenerator<DrainProgress, Cut | undefined> {
  const { machine, steps, pods, wake, events, deadline, signal, options } = drain;
  const cordonedAt = Date.now();
  const settledAt = cordonedAt + (options.settleMs ?? 1000);
  let relistMs = relistFirstMs;
  let shown = "";
  let confirmed = false;
  for (;;) {
    const now = Date.now();
    const decision = machine.decide(now);
    steps.take(decision);
    yield* events.splice(0);
    signal.throwIfAborted();
    if (drain.isNodeGone()) return { type: "nodeGone", node: options.node };
    if (decision.empty && now >= settledAt) {
      if (confirmed) return undefined;
      await drain.insist(pods.list);
      confirmed = true;
      continue;
    }
    confirmed = false;
    const waits = decision.empty ? [settling(options.node, cordonedAt)] : decision.waits;
    const key = waits.map(({ code, object }) => `${code} ${object}`).join();
    if (key !== shown) yield { type: "waiting", waits };
    shown = key;
    drain.nodeEvents.blocked(waits, now);
    if (now >= deadline && options.onTimeout !== "force") return { type: "timedOut", waits };
    if (now - pods.heardAt() > relistMs) {
      const wasDeaf = await drain.insist(pods.list);
      relistMs = wasDeaf ? relistFirstMs : Math.min(relistMs * 2, relistLongestMs);
    }
    const next = decision.empty ? settledAt : decision.askAt;
    await wake.wait(Math.max(10, next - Date.now()));
  }
}

function settling(node: string, since: number): Wait {
  const message = "it is empty; the scheduler may not have seen the cordon yet";
  return { code: "settling", object: `Node ${node}`, since: new Date(since), message };
}

/** Waits until no volume is attached to the node any more, or the time is up. */
async function* untilDetached(drain: Drain): AsyncGenerator<DrainProgress, Cut | undefined> {
  const { kubernetes, options, deadline, signal } = drain;
  const since = new Date();
  let shown = "";
  for (;;) {
    const left = await drain.insist(() => attachedVolumes(kubernetes, options.node, signal));
    if (left.length === 0) return undefined;
    if (drain.isNodeGone()) return { type: "nodeGone", node: options.node };
    const waits = left.map((name): Wait => {
      const object = `PersistentVolume ${name}`;
      return { code: "volumes", object, since, message: "still attached to the node" };
    });
    if (left.join() !== shown) yield { type: "waiting", waits };
    shown = left.join();
    if (Date.now() >= deadline) {
      return options.onTimeout === "force" ? undefined : { type: "timedOut", waits };
    }
    await sleep(volumePollMs, undefined, { signal });
  }
}

function planOf(machine: DrainMachine, policy: DrainPolicy = {}): DrainProgress {
  const pods = machine.verdicts().toSorted((a, b) => turnOf(a, policy) - turnOf(b, policy));
  return { type: "planned", pods, blocked: pods.filter(({ action }) => action === "block") };
}
