import type { GateRecord } from "./readiness-record.ts";

/** All that the gate knows about one instance at one moment. */
export interface GateState {
  /** The instance's node, once there is one. */
  node?: GatedNode;
  /** When the instance, or its boot, was first heard of, in milliseconds. */
  since: number;
  /** Launch hooks that hold the instance now. */
  hooks: number;
  /** When the first of them can be held no longer, in milliseconds. */
  hookLimitAt: number;
  /**
   * What the group's CloudFormation stack has to do with this instance. `waiting`: it counts signals.
   * `rolling-back`: it counts them, and a bad one would leave the stack broken. `none`: it does not, or there is
   * no stack. `unknown`: it has not answered.
   */
  stack: "waiting" | "rolling-back" | "none" | "unknown";
  /** Why a good answer, which lets the group go on with its next nodes, has to wait. */
  brake?: string;
  /** The last try to tell has failed. */
  failing: boolean;
}

export interface GatedNode {
  /** It carries the startup taint. */
  tainted: boolean;
  bootId: string;
  ready: boolean;
  record?: GateRecord;
}

export interface GateLimits {
  /** Milliseconds after which an instance that is not ready is given up. */
  deadlineMs: number;
  /** Milliseconds that CloudFormation waits for signals. */
  pauseMs: number;
}

export type GateAction =
  /** Write down the node's boot, and since when it is waited for. */
  | { type: "note" }
  /** The node has booted again: back behind the taint, its conditions count from now. */
  | { type: "taint" }
  /** Answer the launch hooks, and CloudFormation unless it has been answered. */
  | { type: "tell"; result: "good" | "bad" }
  | { type: "untaint" };

export interface GateDecision {
  /** To be done in this order; then decide again. */
  actions: GateAction[];
  /** What the instance waits for. */
  wait?: { code: "not-ready" | "held" | "overdue" | "rolling-back" | "unknown"; message: string };
}

/**
 * Decides what is to be done about a new instance: the good answer first and the taint after, or the taint first
 * where the answer is held; the bad answer at the deadline, but never into a rollback; all again after a reboot.
 */
export function decideGate(state: GateState, limits: GateLimits, now: number): GateDecision {
  const { node } = state;
  if (node !== undefined) {
    if (isRebooted(node)) return { actions: [{ type: "taint" }] };
    if (isUnnoted(node)) return { actions: [{ type: "note" }] };
  }
  const decided = node?.record?.told === undefined ? node?.record?.verdict?.result : undefined;
  if (decided === "bad") return giveUp(state);
  if (decided === "good" || node?.ready) return letPass(state, limits, now);
  if (now >= deadlineOf(state, limits)) return giveUp(state);
  return { actions: [], wait: { code: "not-ready", message: "not ready" } };
}

function isRebooted({ record, bootId }: GatedNode): boolean {
  return Boolean(record?.bootId) && bootId !== "" && record?.bootId !== bootId;
}

/** A record made before the kubelet had reported its boot is about that same boot. */
function isUnnoted({ record, bootId }: GatedNode): boolean {
  return record === undefined || (record.bootId === "" && bootId !== "");
}

/** A node that was ready once, and took pods while its answer was held, has all the time that the answer has. */
function deadlineOf(state: GateState, limits: GateLimits): number {
  const { node, since } = state;
  const deadline = since + limits.deadlineMs;
  const hasPassed = node !== undefined && !node.tainted && node.record?.told === undefined;
  return hasPassed ? Math.max(deadline, releaseAt(state, limits)) : deadline;
}

/** CloudFormation counts one signal an instance; a hook that holds it wants its answer whatever was told before. */
function isOwed({ node, hooks, stack }: GateState): boolean {
  return hooks > 0 || (stack !== "none" && node?.record?.told === undefined);
}

function letPass(state: GateState, limits: GateLimits, now: number): GateDecision {
  const free = untaintIfReady(state);
  if (!isOwed(state)) return { actions: free };
  const brake = state.stack === "unknown" ? "its stack does not answer" : state.brake;
  if (brake !== undefined && now < releaseAt(state, limits)) {
    // The pods that are drained elsewhere may need this node.
    return { actions: free, wait: { code: "held", message: brake } };
  }
  const tell: GateAction = { type: "tell", result: "good" };
  // A node does not wait for an AWS that does not answer.
  return { actions: state.failing ? [...free, tell] : [tell, ...free] };
}

/** Held longer, CloudFormation or Auto Scaling would take the silence for a failure. */
function releaseAt({ since, hooks, hookLimitAt, stack }: GateState, { pauseMs }: GateLimits) {
  const pauseEnd = stack === "none" ? Number.POSITIVE_INFINITY : since + pauseMs * 0.9;
  return Math.min(pauseEnd, hooks > 0 ? hookLimitAt : Number.POSITIVE_INFINITY);
}

function giveUp(state: GateState): GateDecision {
  const free = untaintIfReady(state);
  if (!isOwed(state)) {
    return { actions: free, wait: { code: "overdue", message: "not ready by the deadline" } };
  }
  if (state.stack === "rolling-back") {
    const message = "not ready by the deadline, but its stack rolls back: a failure would break it";
    return { actions: free, wait: { code: "rolling-back", message } };
  }
  if (state.stack === "unknown") {
    return { actions: free, wait: { code: "unknown", message: "its stack does not answer" } };
  }
  return { actions: [{ type: "tell", result: "bad" }] };
}

/** Also closes the record of a node whose taint somebody else has taken away. */
function untaintIfReady(state: GateState): GateAction[] {
  const { node } = state;
  if (!node?.ready) return [];
  const isOpen = node.record?.told === undefined && !isOwed(state);
  return node.tainted || isOpen ? [{ type: "untaint" }] : [];
}
