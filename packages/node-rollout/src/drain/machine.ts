import type { Budget, Pod } from "../kubernetes/objects.ts";
import { obstacles, type Wait } from "../wait.ts";
import type { BudgetAnswer, BudgetLedger } from "./budget-ledger.ts";
import type { EvictionOutcome } from "./eviction.ts";
import { type DrainPolicy, judgePod, type PodVerdict, severalBudgets, turnOf } from "./plan.ts";

/** What to do now to empty a node. */
export interface DrainDecision {
  /** Evict these; the answers go to `answered`. */
  evict: PodVerdict[];
  /** Delete these whatever their budgets say, with the verdict's grace. */
  force: PodVerdict[];
  /** It is unclear whether an eviction was accepted: read these pods before anything else is done to them. */
  look: PodVerdict["pod"][];
  /** Nothing is left that has to go. */
  empty: boolean;
  /** What each pod that is left waits for. */
  waits: Wait[];
  /** When to ask again although nothing has happened, in milliseconds of the clock. */
  askAt: number;
}

/**
 * Decides every step of one node's drain. It is told what happens and does nothing itself; it has no clock,
 * so that a test drives it through hours in milliseconds.
 */
export interface DrainMachine {
  /** The node's pods by a consistent list: what is not among them is gone. */
  listed(pods: Pod[]): void;
  /** A pod of the node appeared or changed. */
  seen(pod: Pod): void;
  gone(uid: string): void;
  decide(now: number): DrainDecision;
  /** An eviction that was decided is sent: until then it may have waited for its turn. */
  sent(uid: string, now: number): void;
  answered(uid: string, outcome: EvictionOutcome, now: number): void;
  /** A pod of `look` was read, and `seen` or `gone` told what was found. */
  looked(uid: string): void;
  /** The verdicts on the pods that are there. */
  verdicts(): PodVerdict[];
  /** Whether a pod waits for this budget: its news is none to others. */
  waitsFor(budget: Budget): boolean;
}

export interface DrainMachineOptions {
  policy: DrainPolicy;
  ledger: BudgetLedger;
  /** When the node must be empty, in milliseconds of the clock; pods are forced so that their grace ends then. */
  forceBy?: number;
  /** Evictions and deletions in flight for this node. @default 25 */
  inFlight?: number;
}

interface Entry {
  pod: Pod;
  /** The same, were it not terminating: such a pod has to be waited for if it would have had to go. */
  staying: Pod;
  /** `asked`: in flight. `leaving`: accepted, or terminating. `unclear`: to be looked at. */
  state: "staying" | "asked" | "unclear" | "leaving";
  notBefore: number;
  attempts: number;
  /** Its deletion is sent, or was accepted. */
  forced: boolean;
  problem: { code: string; message: string };
  wait?: Wait;
}

/** The net under the watches. */
const tickMs = 1000;
/** A pod this long past its grace has no process left, or no kubelet to say so: only its object is stuck. */
const stuckMs = 60_000;
/** Before what was refused for good is asked again: budgets and roles can be mended while a node drains. */
const patienceMs = 10_000;

export function createDrainMachine(options: DrainMachineOptions): DrainMachine {
  const { policy, ledger, forceBy, inFlight: mostInFlight = 25 } = options;
  const entries = new Map<string, Entry>();
  /** What evictions in flight charge, by pod: they are accounted for although the pod goes meanwhile. */
  const charges = new Map<string, { budget: Budget; pod: Pod }>();
  /** By namespace and name, as of the last decision. */
  let awaited = new Set<string>();

  const judge = (pod: Pod) => judgePod(pod, ledger.budgetsOf(pod), policy);

  function seen(pod: Pod): void {
    const entry = entries.get(pod.metadata.uid);
    if (entry === undefined) {
      entries.set(pod.metadata.uid, {
        pod,
        staying: asIfStaying(pod),
        state: stateOf(pod, "staying"),
        notBefore: 0,
        attempts: 0,
        forced: false,
        problem: { code: "retry", message: "" },
      });
    } else {
      entry.pod = pod;
      entry.staying = asIfStaying(pod);
      entry.state = stateOf(pod, entry.state);
    }
  }

  function decide(now: number): DrainDecision {
    const decision: DrainDecision = {
      evict: [],
      force: [],
      look: [],
      empty: true,
      waits: [],
      askAt: now + tickMs,
    };
    const remaining = [...entries.values()]
      .map((entry) => ({ entry, verdict: judge(entry.staying) }))
      .filter(({ entry, verdict }) => mustGo(entry, verdict, now));
    decision.empty = remaining.length === 0;
    const turn = Math.min(...remaining.map(({ verdict }) => turnOf(verdict, policy)));
    let room = mostInFlight - countAsked(entries);
    awaited = new Set();
    for (const { entry, verdict } of remaining) {
      const step = stepFor(entry, verdict, { now, turn, room });
      if (step.kind !== "wait") room -= 1;
      apply(step, entry, verdict, now, decision);
    }
    return decision;
  }

  /** What to do with one pod that must go. */
  function stepFor(
    entry: Entry,
    verdict: PodVerdict,
    { now, turn, room }: { now: number; turn: number; room: number },
  ): Step {
    if (entry.state === "asked") return onItsWay(entry, verdict);
    const postponed = entry.notBefore > now;
    if (!postponed && mustForce(entry, verdict, forceBy, now)) {
      return room > 0 ? { kind: "force" } : busy(verdict);
    }
    if (entry.state === "leaving") return wait("terminating", podName(verdict), "its grace runs");
    if (verdict.action === "block") return wait("blocked", podName(verdict), verdict.reason);
    if (turnOf(verdict, policy) > turn) {
      return wait("turn", podName(verdict), "goes after the pods before it are gone");
    }
    if (postponed) {
      const { code, message } = entry.problem;
      return wait(code, podName(verdict), message, entry.notBefore);
    }
    if (entry.state === "unclear") return { kind: "look" };
    if (room <= 0) return busy(verdict);
    return stepByBudget(entry, now);
  }

  function stepByBudget(entry: Entry, now: number): Step {
    const allowance = ledger.allowance(entry.staying, now);
    switch (allowance.kind) {
      case "free":
        return { kind: "evict" };
      case "charged":
        return { kind: "evict", charge: allowance.budget };
      case "exhausted": {
        const { metadata, disruptionsAllowed, currentHealthy, desiredHealthy } = allowance.budget;
        const figures = `allows ${disruptionsAllowed}, ${currentHealthy} of ${desiredHealthy} wanted are healthy`;
        awaited.add(keyOf(allowance.budget));
        const name = `PodDisruptionBudget ${metadata.namespace}/${metadata.name}`;
        return wait("budget", name, figures, allowance.askAt);
      }
      case "refused":
        return wait(
          "blocked",
          podName({ pod: entry.pod.metadata }),
          severalBudgets(allowance.budgets),
        );
    }
  }

  function apply(
    step: Step,
    entry: Entry,
    verdict: PodVerdict,
    now: number,
    decision: DrainDecision,
  ): void {
    if (step.kind !== "wait" && entry.wait !== undefined) {
      decision.waits.push(...obstacles([entry.wait]));
    }
    switch (step.kind) {
      case "evict":
        if (step.charge !== undefined) {
          charges.set(entry.pod.metadata.uid, { budget: step.charge, pod: entry.pod });
          ledger.reserve(step.charge, entry.pod, now);
        }
        entry.state = "asked";
        decision.evict.push(verdict);
        break;
      case "force":
        entry.forced = true;
        entry.state = "asked";
        decision.force.push({ ...verdict, graceSeconds: graceLeft(verdict, forceBy, now) });
        break;
      case "look":
        entry.state = "asked";
        decision.look.push(verdict.pod);
        break;
      case "wait": {
        const { code, object, message, askAt } = step;
        const same = entry.wait?.code === code && entry.wait.object === object;
        entry.wait = { code, object, message, since: same ? entry.wait!.since : new Date(now) };
        decision.waits.push(entry.wait);
        if (askAt !== undefined) decision.askAt = Math.min(decision.askAt, Math.max(askAt, now));
      }
    }
  }

  function answered(uid: string, outcome: EvictionOutcome, now: number): void {
    const charge = charges.get(uid);
    charges.delete(uid);
    if (charge !== undefined) {
      ledger.answered(charge.budget, charge.pod, budgetAnswerOf(outcome), now);
    }
    const entry = entries.get(uid);
    if (entry === undefined) return;
    entry.attempts += 1;
    entry.state = stateOf(entry.pod, "staying");
    if (outcome.kind !== "accepted") entry.forced = false;
    switch (outcome.kind) {
      case "accepted":
        entry.state = "leaving";
        entry.attempts = 0;
        break;
      case "gone":
        // The watch is about to say so; otherwise the pod is looked at.
        postpone(entry, now + tickMs, "retry", "gone, by the API server's word");
        entry.state = "unclear";
        break;
      case "later":
        // A charged budget holds its pods back itself, and its next change frees them.
        postpone(
          entry,
          charge === undefined ? now + (outcome.retryAfterMs ?? tickMs) : now,
          "retry",
          outcome.message,
        );
        break;
      case "never":
        postpone(entry, now + patienceMs, "blocked", outcome.message);
        break;
      case "forbidden":
        postpone(entry, now + patienceMs, "refused", outcome.message);
        break;
      case "unclear":
        postpone(entry, now + backoffOf(entry), "retry", outcome.message);
        entry.state = "unclear";
    }
  }

  function looked(uid: string): void {
    const entry = entries.get(uid);
    if (entry !== undefined) entry.state = stateOf(entry.pod, "staying");
  }

  return {
    listed(pods) {
      const uids = new Set(pods.map(({ metadata }) => metadata.uid));
      for (const uid of entries.keys()) if (!uids.has(uid)) entries.delete(uid);
      for (const pod of pods) seen(pod);
    },
    seen,
    gone: (uid) => entries.delete(uid),
    decide,
    sent(uid, now) {
      const charge = charges.get(uid);
      if (charge !== undefined) ledger.sent(charge.budget, charge.pod, now);
    },
    answered,
    looked,
    verdicts: () => [...entries.values()].map(({ pod }) => judge(pod)),
    waitsFor: (budget) => awaited.has(keyOf(budget)),
  };
}

type Step =
  | { kind: "evict"; charge?: Budget }
  | { kind: "force" }
  | { kind: "look" }
  | { kind: "wait"; code: string; object: string; message: string; askAt?: number };

function wait(code: string, object: string, message: string, askAt?: number): Step {
  return { kind: "wait", code, object, message, ...(askAt === undefined ? {} : { askAt }) };
}

/** Until an eviction is accepted its pod waits for what it waited for: a full budget is asked now and then. */
function onItsWay({ wait: before }: Entry, verdict: PodVerdict): Step {
  const [obstacle] = before === undefined ? [] : obstacles([before]);
  if (obstacle === undefined) {
    return wait("retry", podName(verdict), "the eviction is on its way");
  }
  return wait(obstacle.code, obstacle.object, obstacle.message);
}

function busy(verdict: PodVerdict): Step {
  return wait("retry", podName(verdict), "enough of this node's pods are on their way");
}

function keyOf({ metadata: { namespace, name } }: Budget): string {
  return `${namespace}/${name}`;
}

function podName({ pod }: { pod: { namespace: string; name: string } }): string {
  return `Pod ${pod.namespace}/${pod.name}`;
}

function stateOf(pod: Pod, otherwise: Entry["state"]): Entry["state"] {
  if (otherwise === "asked") return "asked"; // its answer is still to come
  return pod.metadata.deletionTimestamp === undefined ? otherwise : "leaving";
}

function countAsked(entries: Map<string, Entry>): number {
  let count = 0;
  for (const { state } of entries.values()) if (state === "asked") count += 1;
  return count;
}

function postpone(entry: Entry, until: number, code: string, message: string): void {
  entry.notBefore = until;
  entry.problem = { code, message };
}

function backoffOf({ attempts }: Entry): number {
  return Math.min(patienceMs, 250 * 2 ** Math.min(attempts, 6));
}

function asIfStaying(pod: Pod): Pod {
  if (pod.metadata.deletionTimestamp === undefined) return pod;
  const { deletionTimestamp: _, ...metadata } = pod.metadata;
  return { ...pod, metadata };
}

/** A node is empty when only pods are left that may stay. */
function mustGo({ pod }: Entry, { action }: PodVerdict, now: number): boolean {
  const { deletionTimestamp } = pod.metadata;
  const isStuck = deletionTimestamp !== undefined && now > Date.parse(deletionTimestamp) + stuckMs;
  return action !== "skip" && !isStuck;
}

/** Forced when its grace, begun now, would just end in time; once, and a terminating pod only when it would be late. */
function mustForce(
  { pod, forced, state }: Entry,
  { graceSeconds }: PodVerdict,
  forceBy: number | undefined,
  now: number,
): boolean {
  if (forceBy === undefined || forced) return false;
  const { deletionTimestamp } = pod.metadata;
  if (deletionTimestamp !== undefined) {
    return Date.parse(deletionTimestamp) > forceBy && now >= forceBy - graceSeconds * 1000;
  }
  return state !== "leaving" && now >= forceBy - graceSeconds * 1000;
}

function graceLeft({ graceSeconds }: PodVerdict, forceBy = 0, now: number): number {
  return Math.max(1, Math.min(graceSeconds, Math.floor((forceBy - now) / 1000)));
}

function budgetAnswerOf(outcome: EvictionOutcome): BudgetAnswer {
  if (outcome.kind === "accepted") return { kind: "accepted" };
  if (outcome.kind !== "later") return { kind: "other" };
  const { retryAfterMs } = outcome;
  return { kind: "refused", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
