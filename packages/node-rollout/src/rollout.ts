import { setTimeout as sleep } from "node:timers/promises";
import type { BudgetFeed } from "./budgets.ts";
import type { Config } from "./config.ts";
import { cordonPatch, nodePath } from "./cordon.ts";
import type { DaemonEvent, RolloutOutcome } from "./daemon-event.ts";
import { drainNode } from "./drain.ts";
import { type Hold, holdAction } from "./heartbeat.ts";
import { isApiError, type Kubernetes } from "./kubernetes.ts";
import type { LifecycleAction, LifecycleHooks } from "./lifecycle-hooks.ts";
import type { NodeIndex } from "./node-index.ts";
import type { Node } from "./objects.ts";
import type { Queue, Received } from "./queue.ts";
import { persist } from "./retry.ts";
import type { TokenBucket } from "./token-bucket.ts";

/** What all rollouts of a daemon share. */
export interface RolloutContext {
  config: Config;
  kubernetes: Kubernetes;
  hooks: LifecycleHooks;
  queue: Queue;
  nodes: NodeIndex;
  budgets: BudgetFeed;
  bucket: TokenBucket;
  ownPodUid?: string | undefined;
  /** Aborts when the work is handed over. */
  signal: AbortSignal;
  tell(event: DaemonEvent): void;
}

/** The end of one instance: every message and every hook about it comes together here. */
export interface Rollout {
  phase(): "finding" | "draining" | "completing";
  /** The messages in hand, each with its newest receipt. */
  messages(): Received[];
  /** Takes a message; the heartbeats of its action begin at once. */
  join(message: Received, action?: LifecycleAction): void;
}

/** Before a hook's global limit the action is completed, drained or not: afterwards the group decides. */
const limitMarginMs = 30_000;
const checkMs = 500;
const retryMs = 5000;

/**
 * Begins the end of an instance: find its node, cordon and drain it, complete every hook, delete the messages.
 *
 * @param ended told at the very end, and synchronously: a message that comes later begins anew
 */
export function startRollout(
  instanceId: string,
  context: RolloutContext,
  ended: () => void,
): Rollout {
  const { config, hooks, queue, nodes, signal, tell } = context;
  const began = Date.now();
  const holds = new Map<string, Hold>();
  const messages = new Map<string, Received>();
  let phase: ReturnType<Rollout["phase"]> = "finding";

  const failed = (what: string) => (error: unknown) => tell({ type: "failed", what, error });
  const active = () => [...holds.values()].filter((hold) => hold.state() !== "gone");
  const isOver = () => holds.size > 0 && active().length === 0;
  const limitAt = () => Math.min(...active().map((hold) => hold.limitAt())) - limitMarginMs;

  async function end(): Promise<RolloutOutcome> {
    await Promise.all([...holds.values()].map((hold) => hold.probe()));
    if (isOver()) return "gone";
    const node = await findNode();
    signal.throwIfAborted();
    if (node === undefined) return "unknown";
    phase = "draining";
    tell({ type: "begun", instanceId, node: node.metadata.name });
    for (;;) {
      try {
        return await drain(node);
      } catch (error) {
        signal.throwIfAborted();
        if (isApiError(error, 404)) return "gone"; // the node's object went while we looked
        failed(`drain ${node.metadata.name}`)(error);
        await sleep(retryMs, undefined, { signal });
      }
      if (isOver()) return "gone";
      if (Date.now() >= limitAt()) return "limit";
    }
  }

  /** An instance may not be a node yet; one that only an event speaks of is not waited for. */
  async function findNode(): Promise<Node | undefined> {
    await Promise.race([nodes.ready, aborted(signal)]);
    if (holds.size === 0) return nodes.find(instanceId);
    const patience = AbortSignal.timeout(config.unknownInstanceSeconds * 1000);
    return nodes.wait(instanceId, AbortSignal.any([signal, patience]));
  }

  /** Drains until the node is empty, or holding the instance makes no sense any more. */
  async function drain(node: Node): Promise<RolloutOutcome> {
    const { name } = node.metadata;
    const { timeoutSeconds, onTimeout, settleSeconds, waitForVolumes } = config.drain;
    const startedAt = await leave(node);
    const alarmAt = startedAt + timeoutSeconds * 1000;
    const stopping = new AbortController();
    let outcome: RolloutOutcome = "drained";
    let alarmed = false;
    const stop = (why: RolloutOutcome) => {
      outcome = why;
      stopping.abort();
    };
    const check = setInterval(() => {
      if (isOver()) stop("gone");
      else if (Date.now() >= limitAt()) stop("limit");
      if (Date.now() < alarmAt || alarmed) return;
      alarmed = true;
      tell({ type: "alarm", instanceId, node: name });
    }, checkMs);
    try {
      const progress = drainNode({
        kubernetes: context.kubernetes,
        budgets: context.budgets,
        bucket: context.bucket,
        node: name,
        policy: policyOf(context),
        cordon: false,
        settleMs: settleSeconds * 1000,
        volumes: waitForVolumes,
        ...(onTimeout === "force"
          ? { onTimeout, timeoutMs: Math.max(0, alarmAt - Date.now()) }
          : {}),
        signal: AbortSignal.any([signal, stopping.signal]),
      });
      for await (const event of progress) {
        tell({ type: "progress", instanceId, node: name, progress: event });
      }
    } catch (error) {
      if (!stopping.signal.aborted) throw error;
    } finally {
      clearInterval(check);
    }
    return outcome;
  }

  /** Cordons the node, takes it out of the load balancers and writes the record, in one patch. */
  async function leave({ metadata }: Node): Promise<number> {
    const startedAt = startOf(metadata.annotations[config.recordAnnotation], instanceId) ?? began;
    const record = JSON.stringify({ instanceId, startedAt: new Date(startedAt).toISOString() });
    const patch = cordonPatch();
    const body = {
      ...patch,
      metadata: { ...patch.metadata, annotations: { [config.recordAnnotation]: record } },
    };
    const path = nodePath(metadata.name);
    await persist(() => context.kubernetes.request({ method: "PATCH", path, body, signal }), {
      signal,
      onRetry: failed(`cordon ${metadata.name}`),
    });
    const progress = { type: "cordoned", node: metadata.name } as const;
    tell({ type: "progress", instanceId, node: metadata.name, progress });
    return startedAt;
  }

  /** Completes first and deletes last: whatever is lost in between comes again and finds the action gone. */
  async function settle(): Promise<void> {
    phase = "completing";
    while (holds.size > 0 || messages.size > 0) {
      const taken = [...messages.keys()];
      await Promise.all([...holds].map(([key, hold]) => complete(key, hold)));
      const finished = taken.flatMap((id) => messages.get(id) ?? []);
      await persist(() => queue.delete(finished), { signal, onRetry: failed("delete messages") });
      for (const { id } of finished) messages.delete(id);
    }
  }

  async function complete(key: string, hold: Hold): Promise<void> {
    const { action } = hold;
    const { asg, hook } = action;
    const result =
      hold.state() === "gone"
        ? "gone"
        : await persist(() => hooks.complete(action, "CONTINUE", signal), {
            signal,
            onRetry: failed(`complete ${hook} of ${asg}`),
          });
    hold.release();
    holds.delete(key);
    tell({ type: "completed", instanceId, asg, hook, result });
  }

  async function run(): Promise<void> {
    let outcome: RolloutOutcome = "handed-over";
    try {
      const reached = await end();
      await settle();
      outcome = reached;
    } catch (error) {
      if (!signal.aborted) failed(`end ${instanceId}`)(error);
    } finally {
      for (const hold of holds.values()) hold.release();
      ended();
      tell({ type: "ended", instanceId, outcome, durationMs: Date.now() - began });
    }
  }

  let running = false;
  return {
    phase: () => phase,
    messages: () => [...messages.values()],
    join(message, action) {
      messages.set(message.id, message);
      if (action !== undefined) hold(action, message);
      if (!running) void run();
      running = true;
    },
  };

  function hold(action: LifecycleAction, { sentAt }: Received): void {
    const { asg, hook, token } = action;
    const key = `${asg} ${hook} ${token ?? ""}`;
    if (holds.has(key)) return;
    const held = holdAction({
      hooks,
      action,
      startedAt: sentAt,
      onChange: (state) => tell({ type: "heartbeat", instanceId, hook, state }),
      onFailure: failed(`heartbeat of ${hook}`),
    });
    holds.set(key, held);
  }
}

function policyOf({ config, ownPodUid }: RolloutContext) {
  const { ignoreDaemonSets, deleteEmptyDir, evictUnreplicated, graceSeconds } = config.drain;
  return {
    ignoreDaemonSets,
    deleteEmptyDir,
    evictUnreplicated,
    ...(graceSeconds === undefined ? {} : { graceSeconds }),
    ...(ownPodUid === undefined ? {} : { ownPodUid }),
  };
}

/** When the drain of this instance began, by the record that an earlier process left on the node. */
function startOf(record: string | undefined, instanceId: string): number | undefined {
  try {
    const { startedAt, instanceId: recorded } = JSON.parse(record ?? "");
    const at = Date.parse(startedAt);
    return recorded === instanceId && at <= Date.now() ? at : undefined;
  } catch {
    return undefined; // no record, or not one of ours
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
