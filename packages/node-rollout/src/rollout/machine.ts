import type { LifecycleAction } from "../aws/lifecycle-hooks.ts";
import type { RolloutOutcome } from "../daemon/event.ts";
import type { Wait } from "../wait.ts";
import type { HoldState } from "./heart.ts";
import type { HeldAction, RolloutRecord } from "./record.ts";
import { isSameAction } from "./same-action.ts";

/** A node as the end of its instance sees it. */
export interface NodeView {
  name: string;
  uid: string;
  resourceVersion: string;
  record: RolloutRecord | undefined;
  /** Since when this process sees this very record, in milliseconds: one that changes no more has lost its holder. */
  recordSince: number;
}

export type RolloutPhase = "finding" | "standby" | "draining" | "completing";

/** What to do now for one instance. All but `drain` is begun once, and answered to the machine. */
export interface RolloutDecision {
  phase: RolloutPhase;
  /** Ask with a heartbeat whether these are still active. */
  probe: string[];
  /** Write this record to the node, if it is still as it was. */
  claim?: { node: NodeView; record: RolloutRecord; cordon: boolean };
  /** The node is to be drained, from now on until it is empty or this is gone. */
  drain?: { node: string; forceBy?: number };
  /** Complete these with CONTINUE. */
  complete: { key: string; action: LifecycleAction }[];
  /** Take the record off the node, if it is still as it was. */
  clear?: NodeView;
  deleteMessages: boolean;
  /** The drain takes longer than it should. */
  alarm: boolean;
  /** Everything is done. */
  outcome?: RolloutOutcome;
  waits: Wait[];
  /** When to ask again although nothing has happened, in milliseconds of the clock. */
  askAt: number;
}

/** A request of the machine's that can fail. */
export type RolloutStep = "claim" | "clear" | "delete" | `complete ${string}`;

/**
 * Decides every step of the end of one instance: hold, find, claim, drain, complete, clear, delete. It is told
 * what happens and does nothing itself; it has no clock, so that a test drives it through days in milliseconds.
 */
export interface RolloutMachine {
  /** A message about the instance, or something else that names an action, is in hand; gives the action's key if it is new. */
  joined(action?: HeldAction): string | undefined;
  /** What the heartbeats of an action say, and for how long they can hold it from its beginning. */
  heard(key: string, state: HoldState, limitMs: number): void;
  /** The answer to a probe came, or none did. */
  probed(key: string): void;
  /** The nodes are known, and this is the instance's. */
  seen(node: NodeView | undefined): void;
  /** The claim was written, by a request sent at this time. */
  claimed(node: NodeView, sentAt: number): void;
  /** The node was not as it was; it is so, or gone. */
  overtaken(step: "claim" | "clear", node: NodeView | undefined): void;
  /** The node is empty. */
  drained(): void;
  /** What the drain waits for. */
  draining(waits: Wait[]): void;
  completed(key: string): void;
  cleared(): void;
  deleted(): void;
  failed(step: RolloutStep, now: number): void;
  decide(now: number): RolloutDecision;
  /** What hands the node over, if it is ours: the record without a holder. */
  handOver(now: number): { node: NodeView; record: RolloutRecord } | undefined;
}

export interface RolloutMachineOptions {
  instanceId: string;
  /** Our name in the record. */
  replica: string;
  /** Milliseconds without a change after which a record's holder is taken to be dead. */
  takeOverMs: number;
  /** Milliseconds that an instance is held that is no node. */
  unknownMs: number;
  /** Whether news of nodes come now: without them nobody can tell that an instance is none. */
  isFollowed: () => boolean;
  drain: { timeoutMs: number; onTimeout: "wait" | "force" };
  /** When this began, in milliseconds of the clock. */
  now: number;
}

interface Held extends HeldAction {
  state: HoldState;
  limitMs: number;
  /** A heartbeat has told whether it is active, since nobody else could have ended it. */
  checked: boolean;
  probing: boolean;
}

/** Before a hook's global limit the action is completed, drained or not: afterwards the group decides. */
const limitMarginMs = 30_000;
/** And what is forced must be gone, and seen to be gone, before that. */
const forceMarginMs = 30_000;
const tickMs = 1000;
const retryFirstMs = 250;
const retryLongestMs = 5000;

export function createRolloutMachine(options: RolloutMachineOptions): RolloutMachine {
  const { instanceId, replica, takeOverMs, unknownMs, isFollowed, drain, now: began } = options;
  const actions = new Map<string, Held>();
  const steps = createSteps();
  let node: NodeView | undefined;
  let nodesKnown = false;
  let wasNode = false;
  /** When the request was sent that made the node ours; undefined while it is not. */
  let claimedAt: number | undefined;
  let cordoned = false;
  let empty = false;
  let alarmed = false;
  let messages = false;
  let drainWaits: Wait[] = [];
  let outcome: RolloutOutcome | undefined;

  const active = () => [...actions.values()].filter(({ state }) => state !== "gone");
  const isOver = () => actions.size > 0 && active().length === 0;
  const limitAt = () => Math.min(...active().map(limitOf)) - limitMarginMs;
  const startedAt = () => node?.record?.startedAt ?? began;
  const alarmAt = () => startedAt() + drain.timeoutMs;

  function joined(action?: HeldAction): string | undefined {
    if (action === undefined) {
      messages = true;
      return undefined;
    }
    const known = [...actions.values()].find((other) =>
      isSameAction({ action: other, state: other.state }, action),
    );
    if (known !== undefined) {
      // Whoever heard of it first may not have known its age: the limit counts from the earliest that anybody knows.
      known.since = Math.min(known.since, action.since);
      return undefined;
    }
    const key = [action.asg, action.hook, action.token ?? ""].join(" ");
    const limitMs = Number.POSITIVE_INFINITY;
    actions.set(key, { ...action, state: "unknown", limitMs, checked: false, probing: false });
    return key;
  }

  function decide(now: number): RolloutDecision {
    const decision: RolloutDecision = {
      phase: "finding",
      probe: [],
      complete: [],
      deleteMessages: false,
      alarm: false,
      waits: [],
      askAt: now + tickMs,
    };
    outcome ??= judge(now, decision);
    if (outcome !== undefined) finish(outcome, now, decision);
    return decision;
  }

  /** How the instance's end is reached; undefined while there is something to wait for. */
  function judge(now: number, decision: RolloutDecision): RolloutOutcome | undefined {
    if (empty) return "drained";
    if (isOver()) return "gone";
    if (now >= limitAt()) return "limit";
    ask(decision, limitAt());
    if (node === undefined) return judgeWithoutNode(now, decision);
    const freeAt = othersUntil(node);
    if (freeAt > now) return standBy(node, freeAt, now, decision);
    claimAndDrain(node, now, decision);
    return undefined;
  }

  function judgeWithoutNode(now: number, decision: RolloutDecision): RolloutOutcome | undefined {
    const until = began + unknownMs;
    probe(decision);
    if (wasNode) return "node-gone";
    const isCurrent = nodesKnown && isFollowed();
    if (isCurrent && (actions.size === 0 || now >= until)) return "unknown";
    const message = isCurrent ? "it is no node of this cluster yet" : "the nodes are not known now";
    decision.waits.push(wait("unknown-node", `Instance ${instanceId}`, message, began));
    if (isCurrent) ask(decision, until);
    return undefined;
  }

  /** Somebody else drains it. Whatever that one did not know of is ours to complete when it has finished. */
  function standBy(
    held: NodeView,
    freeAt: number,
    now: number,
    decision: RolloutDecision,
  ): undefined {
    claimedAt = undefined;
    for (const action of actions.values()) action.checked = false;
    decision.phase = "standby";
    const message = `replica ${held.record?.holder} drains it`;
    decision.waits.push(wait("other-replica", `Node ${held.name}`, message, held.recordSince));
    ask(decision, freeAt);
    if (now < freeAt) return undefined;
  }

  function claimAndDrain(ours: NodeView, now: number, decision: RolloutDecision): void {
    // A claim that could not be renewed for long may be somebody else's by now.
    const isSafe = claimedAt !== undefined && now < claimedAt + takeOverMs * 0.8;
    const renewAt = claimedAt === undefined ? now : claimedAt + takeOverMs / 3;
    if (!isSafe) probe(decision);
    const checked = isSafe || [...actions.values()].every((action) => action.checked);
    decision.phase = "draining";
    decision.waits.push(...drainWaits);
    ask(decision, renewAt);
    if (checked && now >= renewAt && steps.begin("claim", now)) {
      decision.claim = { node: ours, record: recordOf(now), cordon: !cordoned };
    }
    ask(decision, steps.nextAt("claim"));
    if (!isSafe) return;
    const forceBy =
      drain.onTimeout === "force" ? Math.min(alarmAt(), limitAt() - forceMarginMs) : undefined;
    decision.drain = { node: ours.name, ...(forceBy === undefined ? {} : { forceBy }) };
    decision.alarm = !alarmed && now >= alarmAt();
    alarmed ||= decision.alarm;
    if (!alarmed) ask(decision, alarmAt());
  }

  /** Until when the node is in somebody else's hand, as far as one can see. */
  function othersUntil({ record, recordSince }: NodeView): number {
    if (record?.holder === undefined || record.holder === replica) return Number.NEGATIVE_INFINITY;
    return recordSince + takeOverMs;
  }

  function probe(decision: RolloutDecision): void {
    for (const [key, action] of actions) {
      if (action.checked || action.probing) continue;
      action.probing = true;
      decision.probe.push(key);
    }
  }

  /** Completes first and deletes last: whatever is lost in between comes again and finds the action gone. */
  function finish(reached: RolloutOutcome, now: number, decision: RolloutDecision): void {
    decision.phase = "completing";
    completeAll(now, decision);
    if (active().length > 0 || steps.isRunning("claim")) return;
    if (mustClear(now)) clear(now, decision);
    else if (messages || steps.isRunning("delete")) deleteMessages(now, decision);
    else decision.outcome = reached;
  }

  function completeAll(now: number, decision: RolloutDecision): void {
    for (const [key, action] of actions) {
      if (action.state === "gone") continue;
      // Past its limit the group has ended the action itself, whatever it answers.
      if (now >= limitOf(action) + limitMarginMs) action.state = "gone";
      else if (steps.begin(`complete ${key}`, now)) decision.complete.push({ key, action });
      ask(decision, steps.nextAt(`complete ${key}`));
    }
  }

  function clear(now: number, decision: RolloutDecision): void {
    if (node !== undefined && steps.begin("clear", now)) decision.clear = node;
    ask(decision, steps.nextAt("clear"));
  }

  function deleteMessages(now: number, decision: RolloutDecision): void {
    if (steps.begin("delete", now)) {
      decision.deleteMessages = true;
      messages = false;
    }
    ask(decision, steps.nextAt("delete"));
  }

  /** What is somebody else's stays until that one is gone. */
  function mustClear(now: number): boolean {
    return node?.record !== undefined && othersUntil(node) <= now;
  }

  function recordOf(now: number): RolloutRecord {
    return {
      instanceId,
      startedAt: startedAt(),
      holder: replica,
      renewedAt: now,
      // Those that are over, too: whoever takes the record up finds that out, and takes it off.
      actions: [...actions.values()].map(({ asg, hook, token, since }) => ({
        ...{ asg, hook, instanceId, since },
        ...(token === undefined ? {} : { token }),
      })),
      phase: outcome === undefined ? "draining" : "completing",
      waits: drainWaits,
    };
  }

  function seen(view: NodeView | undefined): void {
    nodesKnown = true;
    // A watch may be behind the answer to our own request.
    if (view !== undefined && view.uid === node?.uid && isOlder(view, node)) return;
    wasNode ||= view !== undefined;
    if (view?.uid !== node?.uid || view?.record?.holder !== replica) claimedAt = undefined;
    if (view?.uid !== node?.uid) cordoned = false;
    node = view;
  }

  return {
    joined,
    heard(key, state, limitMs) {
      const action = actions.get(key);
      if (action === undefined || action.state === "gone") return;
      Object.assign(action, { state, limitMs });
    },
    probed(key) {
      const action = actions.get(key);
      if (action !== undefined) Object.assign(action, { checked: true, probing: false });
    },
    seen,
    claimed(view, sentAt) {
      seen(view);
      cordoned = true;
      const isOurs = node?.record?.holder === replica;
      if (isOurs) claimedAt = sentAt;
      // Somebody overwrites or removes what we write: to write it again at once would be a race without an end.
      if (isOurs) steps.succeeded("claim");
      else steps.failed("claim", sentAt);
    },
    overtaken(step, view) {
      steps.succeeded(step);
      seen(view);
    },
    drained() {
      empty = true;
    },
    draining(waits) {
      drainWaits = waits;
    },
    completed(key) {
      steps.succeeded(`complete ${key}`);
      const action = actions.get(key);
      if (action !== undefined) action.state = "gone";
    },
    cleared() {
      steps.succeeded("clear");
      claimedAt = undefined; // nothing is left to hand over
      if (node !== undefined) node = { ...node, record: undefined };
    },
    deleted: () => steps.succeeded("delete"),
    failed(step, now) {
      steps.failed(step, now);
      if (step === "delete") messages = true;
    },
    decide,
    handOver(now) {
      if (claimedAt === undefined || node === undefined) return undefined;
      const { holder: _, ...record } = recordOf(now);
      return { node, record };
    },
  };
}

/** When holding it ends whatever we do, in milliseconds of the clock. */
function limitOf({ since, limitMs }: Held): number {
  return since + limitMs;
}

/** Which requests are on their way, and when those that failed may be sent again. */
function createSteps() {
  const states = new Map<RolloutStep, { running: boolean; notBefore: number; failures: number }>();
  return {
    /** True, once, when the step is to be begun now. */
    begin(step: RolloutStep, now: number): boolean {
      const state = states.get(step) ?? { running: false, notBefore: now, failures: 0 };
      states.set(step, state);
      if (state.running || now < state.notBefore) return false;
      state.running = true;
      return true;
    },
    isRunning: (step: RolloutStep) => states.get(step)?.running ?? false,
    nextAt(step: RolloutStep): number {
      const state = states.get(step);
      return state === undefined || state.running ? Number.POSITIVE_INFINITY : state.notBefore;
    },
    succeeded: (step: RolloutStep) => void states.delete(step),
    failed(step: RolloutStep, now: number): void {
      const failures = (states.get(step)?.failures ?? 0) + 1;
      const backoff = Math.min(retryLongestMs, retryFirstMs * 2 ** Math.min(failures - 1, 8));
      states.set(step, { running: false, notBefore: now + backoff, failures });
    },
  };
}

function ask(decision: RolloutDecision, at: number): void {
  decision.askAt = Math.min(decision.askAt, at);
}

function wait(code: string, object: string, message: string, since: number): Wait {
  return { code, object, message, since: new Date(since) };
}

/** Versions of one object are numbers that grow. */
function isOlder(a: NodeView, b: NodeView): boolean {
  return Number(a.resourceVersion) < Number(b.resourceVersion);
}
