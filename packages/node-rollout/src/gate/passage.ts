import { isLeaving } from "../aws/groups.ts";
import type { Received } from "../aws/queue.ts";
import type { GateStep } from "../daemon/event.ts";
import type { Node } from "../kubernetes/objects.ts";
import { instantOf, wholeSecond } from "../time.ts";
import {
  isGated,
  noteBoot,
  noteTold,
  noteVerdict,
  recordOf,
  taintAgain,
  untaint,
} from "./changes.ts";
import type { GateContext } from "./context.ts";
import { decideGate, type GateAction, type GateDecision, type GateState } from "./gate.ts";
import { holdPassage, type LaunchAction } from "./passage-hooks.ts";
import { followPassageNode } from "./passage-node.ts";
import type { Readiness } from "./readiness.ts";
import { pauseMsOf } from "./readiness-config.ts";
import type { GateRecord } from "./readiness-record.ts";
import { hasTaint } from "./untaint.ts";

/** The way of one new instance through the gate. */
export interface Passage {
  instanceId: string;
  /** Its node, when that is ready and still behind the taint. */
  waitingNode(): Node | undefined;
  messages(): Received[];
  /** Takes a launch hook's action; its heartbeats begin at once. */
  join(launch: LaunchAction): void;
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

/**
 * Begins an instance's way through the gate.
 *
 * @param heardAt when the instance was first heard of, in milliseconds
 */
export function startPassage(instanceId: string, context: GateContext, heardAt: number): Passage {
  const { readiness: config, groups, signals, signal, tell } = context;
  const { startupTaint } = config;
  const limits = { deadlineMs: config.deadlineSeconds * 1000, pauseMs: pauseMsOf(config) };
  const begunAt = Date.now();
  const node = followPassageNode(instanceId, context);
  const hooks = holdPassage(instanceId, context);
  let wait: GateDecision["wait"];
  let waitSaid = "";
  let failing = false;
  /** What CloudFormation was told; an instance without a node has no place for a record. */
  let told: GateRecord["told"];

  async function look(): Promise<GateState> {
    await hooks.known();
    const subject = node.now();
    const record = subject && recordOf(subject);
    const ready = subject !== undefined && node.readiness(subject).ready;
    const since = sinceOf(subject, record);
    const isDue = ready || record?.verdict !== undefined || Date.now() >= since + limits.deadlineMs;
    const asks = isDue && (record?.told ?? told) === undefined;
    const { stack, rollingSince = since } = asks ? await stackOf(subject) : noStack;
    const isOwing = stack !== "none" || hooks.active() > 0;
    const brake = ready && isOwing ? await context.brake(instanceId, rollingSince) : undefined;
    return {
      ...{ since, stack, failing, hooks: hooks.active(), hookLimitAt: hooks.limitAt() },
      ...(brake === undefined ? {} : { brake }),
      ...(subject && {
        node: {
          tainted: hasTaint(subject.spec.taints, startupTaint),
          bootId: subject.status.nodeInfo.bootID,
          ready,
          ...(record && { record }),
        },
      }),
    };
  }

  /** A boot that is not the first has a time of its own. */
  function sinceOf(subject: Node | undefined, record: GateRecord | undefined): number {
    const booted = instantOf(record?.bootedAt);
    if (booted !== undefined) return booted;
    const times = [instantOf(subject?.metadata.creationTimestamp), instantOf(record?.since)];
    return Math.min(heardAt, ...times.filter((at) => at !== undefined));
  }

  /** Only an instance that came after the stack's update began is one that the update waits for. */
  async function stackOf(subject: Node | undefined): Promise<StackView> {
    const membership = groups.find(instanceId);
    // Taken for none, a stack that waits would never hear of a good node.
    if (membership === undefined && groups.lookedAt() < begunAt) return { stack: "unknown" };
    const { stack } = membership?.group ?? {};
    const cameAt = instantOf(subject?.metadata.creationTimestamp) ?? membership?.arrivedAt;
    if (stack === undefined || cameAt === undefined) return noStack;
    try {
      const { status, since } = await signals.state(stack.stack, signal);
      return cameAt >= wholeSecond(since) ? { stack: status, rollingSince: since } : noStack;
    } catch (error) {
      signal.throwIfAborted();
      tell({ type: "failed", what: `describe stack ${stack.stack}`, error });
      return { stack: "unknown" };
    }
  }

  async function act(action: GateAction, { since, stack }: GateState): Promise<void> {
    const at = new Date().toISOString();
    switch (action.type) {
      case "note":
        await node.change(noteBoot(since, told));
        return say("gated");
      case "taint":
        await node.change(taintAgain(startupTaint, at));
        return say("tainted-again");
      case "tell":
        return tellAll(action.result, stack);
      case "untaint": {
        const nobody = stack === "none" && hooks.active() === 0;
        await node.change(untaint(startupTaint, nobody ? { result: "nobody", at } : undefined));
        return say("untainted");
      }
    }
  }

  /** The verdict is written down before anybody hears of it: a restart goes on with the same. */
  async function tellAll(wanted: "good" | "bad", stack: GateState["stack"]): Promise<void> {
    const isRepeated = recordNow()?.told !== undefined;
    await node.change(noteVerdict(wanted, new Date().toISOString(), isRepeated));
    const record = recordNow();
    // Of two replicas that disagree, at the deadline for instance, the one that wrote first is right.
    const result = isRepeated ? wanted : (record?.verdict?.result ?? wanted);
    const isTold = !isRepeated && record?.told !== undefined;
    await hooks.answer(result === "good" ? "CONTINUE" : "ABANDON");
    const to = groups.find(instanceId)?.group.stack;
    if (stack !== "none" && to !== undefined && !isTold) {
      const status = result === "good" ? "SUCCESS" : "FAILURE";
      const heard = await signals.send(to, instanceId, status, signal);
      if (heard === "told") tell({ type: "signalled", instanceId, ...to, status });
    }
    told = { result, at: new Date().toISOString() };
    await node.change(noteTold(told));
    say(result);
  }

  function recordNow(): GateRecord | undefined {
    const subject = node.now();
    return subject && recordOf(subject);
  }

  function say(step: GateStep, message?: string): void {
    const name = node.now()?.metadata.name;
    tell({
      ...{ type: "gate", instanceId, step },
      ...(name === undefined ? {} : { node: name }),
      ...(message === undefined ? {} : { message }),
    });
  }

  /** Says what is waited for whenever that changes. */
  function noteWait(decision: GateDecision): void {
    wait = decision.wait;
    const subject = node.now();
    if (wait === undefined) return;
    const isUnready = wait.code === "not-ready";
    const text = isUnready ? notReadyText(subject && node.readiness(subject)) : wait.message;
    // Seconds that go by are no news.
    const news = text.replace(/\d+/g, "#");
    if (news === waitSaid) return;
    waitSaid = news;
    say("waiting", text);
  }

  return {
    instanceId,
    messages: hooks.messages,
    wait: () => wait,
    join: hooks.join,
    waitingNode() {
      const subject = node.now();
      if (subject === undefined || !hasTaint(subject.spec.taints, startupTaint)) return undefined;
      return node.readiness(subject).ready ? subject : undefined;
    },
    async step() {
      if (isLeaving(groups.find(instanceId)?.state)) {
        await hooks.known();
        await hooks.settle();
        return false;
      }
      const state = await look();
      const decision = decideGate(state, limits, Date.now());
      noteWait(decision);
      failing = false;
      try {
        for (const action of decision.actions) await act(action, state);
      } catch (error) {
        failing = true;
        throw error;
      } finally {
        await hooks.settle();
      }
      return decision.actions.length > 0;
    },
    isOver() {
      if (!hooks.isEmpty()) return false;
      if (isLeaving(groups.find(instanceId)?.state)) return true;
      const subject = node.now();
      if (subject !== undefined) return !isGated(subject, startupTaint);
      return groups.find(instanceId)?.arrivedAt === undefined;
    },
    close() {
      node.close();
      hooks.close();
    },
  };
}

function notReadyText(readiness: Readiness | undefined): string {
  if (readiness === undefined) return "it is no node yet";
  const bad = readiness.reasons.filter(({ ok }) => !ok);
  return bad.map(({ condition, message }) => `${condition} ${message}`).join("; ");
}
