import { decideGate, type GateAction, type GateDecision, type GateState } from "./gate.ts";
import { type DaemonPod, followDaemonPods, type PodsOnNode } from "./gate-pods.ts";
import type { GateContext } from "./gate-run.ts";
import { type Hold, holdAction } from "./heartbeat.ts";
import type { LifecycleAction } from "./lifecycle-hooks.ts";
import type { Node } from "./objects.ts";
import type { Received } from "./queue.ts";
import { evaluateReadiness, type Readiness, type ReadinessRule } from "./readiness.ts";
import { pauseMsOf } from "./readiness-config.ts";
import { type GateRecord, gateRecordOf } from "./readiness-record.ts";
import { instantOf, wholeSecond } from "./time.ts";
import { changeNode, hasTaint, type NodeChange, withoutTaint, withTaint } from "./untaint.ts";

/** The way of one new instance through the gate. */
export interface Passage {
  instanceId: string;
  /** Its node is ready and waits behind the taint, or its answer is still to be given. */
  waitingNode(): Node | undefined;
  messages(): Received[];
  /** Takes a launch hook's message; the heartbeats of its action begin at once. */
  join(message: Received, action: LifecycleAction): void;
  /** Looks, decides and acts once; resolves with whether there was something to do. */
  step(): Promise<boolean>;
  /** Nothing is left to do. */
  isOver(): boolean;
  /** What it waits for. */
  wait(): GateDecision["wait"];
  close(): void;
}

interface StackView {
  stack: GateState["stack"];
  /** When the stack's update began, in milliseconds. */
  rollingSince?: number;
}

const noStack: StackView = { stack: "none" };

/** Before a hook's global limit it gets its answer, brake or not: afterwards the group decides. */
const limitMarginMs = 30_000;

export function startPassage(instanceId: string, context: GateContext, heardAt: number): Passage {
  const { kubernetes, readiness: config, hooks, queue, nodes, groups, signals, signal } = context;
  const limits = { deadlineMs: config.deadlineSeconds * 1000, pauseMs: pauseMsOf(config) };
  const holds = new Map<string, Hold>();
  const messages = new Map<string, Received>();
  let pods: { node: string; following: PodsOnNode } | undefined;
  let wait: GateDecision["wait"];
  let waitText = "";
  let failing = false;
  /** An instance without a node has no place for a record. */
  let told: "good" | "bad" | "nobody" | undefined;
  /** The node as we have just left it; the watch tells of it a moment later. */
  let changed: Node | undefined;

  const failed = (what: string) => (error: unknown) =>
    context.tell({ type: "failed", what, error });
  const active = () => [...holds.values()].filter((hold) => hold.state() !== "gone");

  function nodeNow(): Node | undefined {
    const node = nodes.find(instanceId);
    if (changed === undefined) return node;
    const isOlder = node?.metadata.uid === changed.metadata.uid && !isNewer(node, changed);
    if (!isOlder) changed = undefined;
    return changed ?? node;
  }

  function podsOn(node: Node): DaemonPod[] | undefined {
    if ((config.daemonSets ?? []).length === 0) return [];
    const { name } = node.metadata;
    if (pods?.node !== name) {
      pods?.following.stop();
      const options = {
        signal,
        changed: context.wake,
        failed: failed(`follow the pods of ${name}`),
      };
      pods = { node: name, following: followDaemonPods(kubernetes, name, options) };
    }
    return pods.following.current();
  }

  function readinessOf(node: Node): Readiness {
    return evaluateReadiness(node, config as ReadinessRule, new Date(), podsOn(node));
  }

  async function look(): Promise<GateState> {
    await Promise.all([...holds.values()].map(firstAnswer));
    const node = nodeNow();
    const record = node && gateRecordOf(node as object);
    const ready = node !== undefined && readinessOf(node).ready;
    const since = sinceOf(node, record);
    const isDue = ready || record?.verdict !== undefined || Date.now() >= since + limits.deadlineMs;
    const asks = isDue && (record?.told ?? told) === undefined;
    const { stack, rollingSince = since } = asks ? await stackOf(node) : noStack;
    const brake =
      ready && isOwing(stack) ? await context.brake(instanceId, rollingSince) : undefined;
    return {
      ...(node && {
        node: {
          tainted: hasTaint(node.spec.taints, config.startupTaint),
          bootId: node.status.nodeInfo.bootID,
          ready,
          ...(record && { record }),
        },
      }),
      since,
      hooks: active().length,
      hookLimitAt: Math.min(...active().map((hold) => hold.limitAt())) - limitMarginMs,
      stack,
      ...(brake === undefined ? {} : { brake }),
      failing,
    };
  }

  const isOwing = (stack: GateState["stack"]) => stack !== "none" || active().length > 0;

  /** A boot that is not the first has a time of its own. */
  function sinceOf(node: Node | undefined, record: GateRecord | undefined): number {
    const booted = instantOf(record?.bootedAt);
    if (booted !== undefined) return booted;
    const created = instantOf(node?.metadata.creationTimestamp);
    const noted = instantOf(record?.since);
    return Math.min(...[heardAt, created, noted].filter((at) => at !== undefined));
  }

  /** Only an instance that came after the stack's update began is one that the update waits for. */
  async function stackOf(node: Node | undefined): Promise<StackView> {
    const membership = groups.find(instanceId);
    const { stack } = membership?.group ?? {};
    const cameAt = instantOf(node?.metadata.creationTimestamp) ?? membership?.arrivedAt;
    if (stack === undefined || cameAt === undefined) return noStack;
    try {
      const { status, since } = await signals.state(stack.stack, signal);
      return cameAt >= wholeSecond(since) ? { stack: status, rollingSince: since } : noStack;
    } catch (error) {
      signal.throwIfAborted();
      failed(`describe stack ${stack.stack}`)(error);
      return { stack: "unknown" };
    }
  }

  async function act(action: GateAction, { since, stack }: GateState): Promise<void> {
    const at = new Date().toISOString();
    switch (action.type) {
      case "note":
        await change(({ status }, record) => ({
          record: {
            since: new Date(since).toISOString(),
            ...(told && { told: { result: told, at } }),
            ...record,
            bootId: status.nodeInfo.bootID,
          },
        }));
        return say("gated");
      case "taint":
        await change(({ spec, status }, record) => {
          const taints = withTaint(spec.taints, config.startupTaint);
          const { told: before } = record ?? {};
          return {
            record: {
              bootId: status.nodeInfo.bootID,
              bootedAt: at,
              ...(before && { told: before }),
            },
            ...(taints && { taints }),
          };
        });
        return say("tainted-again");
      case "tell":
        return tellAll(action.result, stack);
      case "untaint":
        await change(({ spec }, record) => {
          const taints = withoutTaint(spec.taints, config.startupTaint);
          const closes = stack === "none" && active().length === 0 && record?.told === undefined;
          if (taints === undefined && !closes) return undefined;
          return {
            ...(taints && { taints }),
            ...(record && closes && { record: { ...record, told: { result: "nobody", at } } }),
          };
        });
        return say("untainted");
    }
  }

  /** The verdict is written down before anybody hears of it: a restart goes on with the same. */
  async function tellAll(result: "good" | "bad", stack: GateState["stack"]): Promise<void> {
    const answer = () => ({ result, at: new Date().toISOString() });
    await change((_node, record) =>
      record === undefined || record.verdict?.result === result
        ? undefined
        : { record: { ...record, verdict: answer() } },
    );
    for (const [key, hold] of holds) await answerHook(key, hold, result);
    const to = groups.find(instanceId)?.group.stack;
    if (stack !== "none" && to !== undefined) {
      const status = result === "good" ? "SUCCESS" : "FAILURE";
      const heard = await signals.send(to, instanceId, status, signal);
      if (heard === "told") context.tell({ type: "signalled", instanceId, ...to, status });
    }
    told = result;
    await change((_node, record) =>
      record === undefined || record.told !== undefined
        ? undefined
        : { record: { ...record, told: answer() } },
    );
    say(result);
  }

  async function answerHook(key: string, hold: Hold, result: "good" | "bad"): Promise<void> {
    const { action } = hold;
    const answer = result === "good" ? "CONTINUE" : "ABANDON";
    const ended = hold.state() === "gone" ? "gone" : await hooks.complete(action, answer, signal);
    hold.release();
    holds.delete(key);
    const { asg, hook } = action;
    context.tell({ type: "answered", instanceId, asg, hook, answer, result: ended });
  }

  async function change(
    wanted: (node: Node, record: GateRecord | undefined) => NodeChange | undefined,
  ): Promise<void> {
    const node = nodeNow();
    if (node === undefined) return;
    const apply = (current: Node) => wanted(current, gateRecordOf(current as object));
    changed = await changeNode(kubernetes, node, apply, signal);
  }

  function say(step: "gated" | "tainted-again" | "good" | "bad" | "untainted"): void {
    const node = nodeNow()?.metadata.name;
    context.tell({ type: "gate", instanceId, ...(node === undefined ? {} : { node }), step });
  }

  /** What is in hand of hooks that are over, by our answer or by themselves. */
  async function settle(): Promise<void> {
    for (const [key, hold] of holds) {
      if (hold.state() !== "gone") continue;
      hold.release();
      holds.delete(key);
    }
    if (holds.size > 0 || messages.size === 0) return;
    const finished = [...messages.values()];
    await queue.delete(finished);
    for (const { id } of finished) messages.delete(id);
  }

  function note(decision: GateDecision): void {
    wait = decision.wait;
    const node = nodeNow();
    const text =
      wait?.code === "not-ready" ? notReadyText(node && readinessOf(node)) : wait?.message;
    if (text === undefined || text === waitText) return;
    waitText = text;
    context.tell({
      ...{ type: "gate", instanceId, step: "waiting", message: text },
      ...(node && { node: node.metadata.name }),
    });
  }

  return {
    instanceId,
    messages: () => [...messages.values()],
    wait: () => wait,
    waitingNode() {
      const node = nodeNow();
      const isBehind = node !== undefined && hasTaint(node.spec.taints, config.startupTaint);
      return isBehind && readinessOf(node).ready ? node : undefined;
    },
    join(message, action) {
      messages.set(message.id, message);
      const key = `${action.hook} ${action.token ?? ""}`;
      if (holds.has(key)) return;
      const { hook } = action;
      holds.set(
        key,
        holdAction({
          ...{ hooks, action, startedAt: message.sentAt },
          onChange: (state) => context.tell({ type: "heartbeat", instanceId, hook, state }),
          onFailure: failed(`heartbeat of ${hook}`),
        }),
      );
    },
    async step() {
      const state = await look();
      const decision = decideGate(state, limits, Date.now());
      note(decision);
      try {
        for (const action of decision.actions) await act(action, state);
        failing = false;
      } catch (error) {
        failing = true;
        throw error;
      } finally {
        await settle();
      }
      return decision.actions.length > 0;
    },
    isOver() {
      if (holds.size > 0 || messages.size > 0) return false;
      const node = nodeNow();
      if (node !== undefined) return !isGated(node, config.startupTaint);
      return groups.find(instanceId)?.arrivedAt === undefined;
    },
    close() {
      pods?.following.stop();
      for (const hold of holds.values()) hold.release();
    },
  };
}

/** Whether a hook's action is still there is known after its first heartbeat. */
async function firstAnswer(hold: Hold): Promise<unknown> {
  return hold.state() === "unknown" && hold.probe();
}

/** A node that the gate has to do with: behind the taint, its answer still owed, or booted again. */
export function isGated(node: Node, startupTaint: string): boolean {
  const record = gateRecordOf(node as object);
  if (hasTaint(node.spec.taints, startupTaint)) return true;
  if (record === undefined) return false;
  const { bootID } = node.status.nodeInfo;
  return record.told === undefined || (bootID !== "" && record.bootId !== bootID);
}

function isNewer(node: Node, than: Node): boolean {
  return Number(node.metadata.resourceVersion) >= Number(than.metadata.resourceVersion);
}

function notReadyText(readiness: Readiness | undefined): string {
  if (readiness === undefined) return "it is no node yet";
  const bad = readiness.reasons.filter(({ ok }) => !ok);
  return bad.map(({ condition, message }) => `${condition} ${message}`).join("; ");
}
