import type { Budget, Pod } from "../kubernetes/objects.ts";
import { budgetsOf } from "./plan.ts";

/**
 * One eviction in flight for every so many that a budget has room for, and a few at most. Each changes the
 * budget's object, and two that meet there cost the server half a second: one after the other is faster.
 */
const roomPerFlight = 10;
const mostInFlight = 5;
/**
 * One that the budget does not count after this time has met another write, the disruption controller's for
 * instance: the server tries again half a second later, and until then it stands in nobody's way.
 */
const meetsForMs = 300;
/** A budget that allows nothing is asked again at last after this time, in case its watch is deaf. */
const probeMs = 10_000;
/** A refusal may have been overtaken by news of room: asked again after this time. */
const doubtMs = 1000;
/** What an accepted eviction has changed is told by the watch; after this time it is taken for told. */
const countedMs = 5000;

/** What the eviction API would say to a pod now, as far as we can know. */
export type Allowance =
  /** Nothing stands in the way, and no budget is charged. */
  | { kind: "free" }
  /** This budget would be charged, and has room. */
  | { kind: "charged"; budget: Budget }
  /** This budget has no room now; its next change wakes us, `askAt` is the net. */
  | { kind: "exhausted"; budget: Budget; askAt: number }
  /** Two or more budgets select it: the API refuses it whatever they allow. */
  | { kind: "refused"; budgets: Budget[] };

/** The budgets of the cluster with what we have asked of them: one ledger for all nodes that are drained. */
export interface BudgetLedger {
  /** Replaces everything that is known. */
  replace(budgets: Budget[]): void;
  set(budget: Budget): void;
  delete(budget: Budget): void;
  /** The budgets that select a pod; remembered for as long as the same object stands for the pod. */
  budgetsOf(pod: Pod): Budget[];
  allowance(pod: Pod, now: number): Allowance;
  /** An eviction of this pod, which charges this budget, is going to be sent. */
  reserve(budget: Budget, pod: Pod, now: number): void;
  /** It is sent. */
  sent(budget: Budget, pod: Pod, now: number): void;
  /** Its answer came. */
  answered(budget: Budget, pod: Pod, answer: BudgetAnswer, now: number): void;
}

export type BudgetAnswer =
  | { kind: "accepted" }
  | { kind: "refused"; retryAfterMs?: number }
  | { kind: "other" };

interface Account {
  budget: Budget;
  /** Names of the pods whose evictions are on their way to the budget's object; since when they are sent. */
  inFlight: Map<string, number | undefined>;
  /** Names of the pods whose evictions its figures do not contain, as far as we know; since when they are accepted. */
  uncounted: Map<string, number | undefined>;
  /** Not to be asked before. */
  notBefore: number;
  /** When it was last asked, or told us something; 0: just now, by whoever looks next. */
  heardAt: number;
}

export function createBudgetLedger(): BudgetLedger {
  /** By namespace, then name. */
  const accounts = new Map<string, Map<string, Account>>();
  const find = ({ metadata }: Budget) => accounts.get(metadata.namespace)?.get(metadata.name);
  /** Changes whenever a pod may be selected by other budgets than before; their figures do not count. */
  let selection = 0;
  const chosen = new WeakMap<Pod, { selection: number; accounts: Account[] }>();

  /** Each of a node's pods is asked about at every event: matching a thousand selectors again would be the drain's main work. */
  function accountsOf(pod: Pod): Account[] {
    const known = chosen.get(pod);
    if (known?.selection === selection) return known.accounts;
    const inNamespace = [...(accounts.get(pod.metadata.namespace)?.values() ?? [])];
    const selecting = new Set(
      budgetsOf(
        pod,
        inNamespace.map(({ budget }) => budget),
      ),
    );
    const found = inNamespace.filter(({ budget }) => selecting.has(budget));
    chosen.set(pod, { selection, accounts: found });
    return found;
  }

  function set(budget: Budget): void {
    const { namespace, name, resourceVersion } = budget.metadata;
    const inNamespace = accounts.get(namespace) ?? new Map<string, Account>();
    accounts.set(namespace, inNamespace);
    const known = inNamespace.get(name);
    if (known === undefined) {
      const account = { budget, inFlight: new Map(), uncounted: new Map(), notBefore: 0 };
      inNamespace.set(name, { ...account, heardAt: 0 });
      selection += 1;
    } else if (known.budget.metadata.resourceVersion !== resourceVersion) {
      if (JSON.stringify(known.budget.selector) !== JSON.stringify(budget.selector)) selection += 1;
      Object.assign(known, { budget, notBefore: 0, heardAt: 0 });
      // Once it is counted the budget's object is written, and the next eviction cannot meet it there.
      for (const pod of budget.disruptedPods) {
        known.uncounted.delete(pod);
        known.inFlight.delete(pod);
      }
    }
  }

  return {
    set,
    replace(budgets) {
      const names = new Set(
        budgets.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
      );
      for (const [namespace, inNamespace] of accounts) {
        for (const name of inNamespace.keys()) {
          if (!names.has(`${namespace}/${name}`)) inNamespace.delete(name);
        }
      }
      selection += 1;
      for (const budget of budgets) set(budget);
    },
    delete({ metadata }) {
      accounts.get(metadata.namespace)?.delete(metadata.name);
      selection += 1;
    },
    budgetsOf: (pod) => accountsOf(pod).map(({ budget }) => budget),
    allowance(pod, now) {
      // The API looks at no budget for a pod that is not running.
      if (pod.phase === "Pending") return { kind: "free" };
      const selecting = accountsOf(pod);
      const [account] = selecting;
      if (account === undefined) return { kind: "free" };
      if (selecting.length > 1) {
        return { kind: "refused", budgets: selecting.map(({ budget }) => budget) };
      }
      const { budget } = account;
      if (!isCharged(pod, budget)) return { kind: "free" };
      account.heardAt ||= now;
      const askAt = askAtOf(account, now);
      return askAt <= now ? { kind: "charged", budget } : { kind: "exhausted", budget, askAt };
    },
    reserve(budget, { metadata }, now) {
      const account = find(budget);
      if (account === undefined) return;
      account.inFlight.set(metadata.name, undefined);
      account.uncounted.set(metadata.name, undefined);
      account.heardAt = now;
    },
    sent(budget, { metadata }, now) {
      const account = find(budget);
      if (account?.inFlight.has(metadata.name)) account.inFlight.set(metadata.name, now);
    },
    answered(budget, { metadata: { name } }, answer, now) {
      const account = find(budget);
      if (account === undefined) return;
      account.inFlight.delete(name);
      if (answer.kind !== "accepted") account.uncounted.delete(name);
      else if (account.uncounted.has(name)) account.uncounted.set(name, now);
      // The figures that refused it may have been overtaken by a change we saw before the answer.
      if (answer.kind === "refused") account.notBefore = now + (answer.retryAfterMs ?? doubtMs);
    },
  };
}

/** A pod that is not ready costs a budget nothing, where the budget's policy lets it go at all. */
function isCharged({ ready }: Pod, budget: Budget): boolean {
  if (ready) return true;
  if (budget.unhealthyPodEvictionPolicy === "AlwaysAllow") return false;
  return budget.currentHealthy < budget.desiredHealthy || budget.desiredHealthy === 0;
}

function askAtOf(account: Account, now: number): number {
  const { budget, inFlight, uncounted, notBefore, heardAt } = account;
  const observed = budget.observedGeneration >= budget.metadata.generation;
  const allowed = observed ? budget.disruptionsAllowed : 0;
  for (const [pod, since] of uncounted) {
    if (since !== undefined && now - since >= countedMs) uncounted.delete(pod);
  }
  const room = allowed - uncounted.size;
  if (room > 0) {
    const meeting = [...inFlight.values()]
      .map((since = now) => since + meetsForMs)
      .filter((until) => until > now);
    const most = Math.min(mostInFlight, Math.ceil(room / roomPerFlight));
    return meeting.length < most ? notBefore : Math.max(notBefore, Math.min(...meeting));
  }
  // Their answers, the watch or the end of the doubt come before long.
  if (inFlight.size > 0 || allowed > 0) return Math.max(notBefore, now + doubtMs);
  return Math.max(notBefore, heardAt + probeMs);
}
