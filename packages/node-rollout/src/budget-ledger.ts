import type { Budget, Pod } from "./objects.ts";
import { budgetsOf } from "./plan.ts";

/** How many evictions one budget is asked for at once: more only makes the server's own retries collide. */
const inFlightPerBudget = 3;
/** A budget that allows nothing is asked again at last after this time, in case its watch is deaf. */
const probeMs = 10_000;
/** Figures may be older than an answer that overtook them; after this time they are believed again. */
const doubtMs = 1000;

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
  /** The budgets that select a pod. */
  budgetsOf(pod: Pod): Budget[];
  allowance(pod: Pod, now: number): Allowance;
  /** An eviction that charges this budget is sent. */
  sent(budget: Budget, now: number): void;
  /** Its answer came. */
  answered(budget: Budget, answer: BudgetAnswer, now: number): void;
}

export type BudgetAnswer =
  | { kind: "accepted" }
  | { kind: "refused"; retryAfterMs?: number }
  | { kind: "other" };

interface Account {
  budget: Budget;
  inFlight: number;
  /** Evictions that its figures may not contain yet. */
  spent: number;
  spentAt: number;
  /** Not to be asked before. */
  notBefore: number;
  /** When it was last asked, or told us something; 0: just now, by whoever looks next. */
  heardAt: number;
}

export function createBudgetLedger(): BudgetLedger {
  /** By namespace, then name. */
  const accounts = new Map<string, Map<string, Account>>();
  const find = ({ metadata }: Budget) => accounts.get(metadata.namespace)?.get(metadata.name);

  function set(budget: Budget): void {
    const { namespace, name, resourceVersion } = budget.metadata;
    const inNamespace = accounts.get(namespace) ?? new Map<string, Account>();
    accounts.set(namespace, inNamespace);
    const known = inNamespace.get(name);
    if (known === undefined) {
      const quiet = { inFlight: 0, spent: 0, spentAt: 0, notBefore: 0, heardAt: 0 };
      inNamespace.set(name, { budget, ...quiet });
    } else if (known.budget.metadata.resourceVersion !== resourceVersion) {
      // What is in flight may or may not be in the new figures: the careful guess is that it is not.
      Object.assign(known, { budget, spent: known.inFlight, notBefore: 0, heardAt: 0 });
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
      for (const budget of budgets) set(budget);
    },
    delete({ metadata }) {
      accounts.get(metadata.namespace)?.delete(metadata.name);
    },
    budgetsOf(pod) {
      const inNamespace = accounts.get(pod.metadata.namespace);
      if (inNamespace === undefined) return [];
      return budgetsOf(
        pod,
        [...inNamespace.values()].map(({ budget }) => budget),
      );
    },
    allowance(pod, now) {
      // The API looks at no budget for a pod that is not running.
      if (pod.phase === "Pending") return { kind: "free" };
      const budgets = this.budgetsOf(pod);
      const [budget] = budgets;
      if (budget === undefined) return { kind: "free" };
      if (budgets.length > 1) return { kind: "refused", budgets };
      if (!isCharged(pod, budget)) return { kind: "free" };
      const account = find(budget);
      if (account === undefined) return { kind: "free" };
      account.heardAt ||= now;
      const askAt = askAtOf(account, now);
      return askAt <= now ? { kind: "charged", budget } : { kind: "exhausted", budget, askAt };
    },
    sent(budget, now) {
      const account = find(budget);
      if (account === undefined) return;
      account.inFlight += 1;
      account.spent += 1;
      account.spentAt = now;
      account.heardAt = now;
    },
    answered(budget, answer, now) {
      const account = find(budget);
      if (account === undefined) return;
      account.inFlight = Math.max(0, account.inFlight - 1);
      if (answer.kind !== "accepted") account.spent = Math.max(0, account.spent - 1);
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
  const { budget, inFlight, spent, spentAt, notBefore, heardAt } = account;
  if (inFlight >= inFlightPerBudget) return now + doubtMs;
  const observed = budget.observedGeneration >= budget.metadata.generation;
  const inDoubt = now - spentAt < doubtMs ? spent : inFlight;
  const room = (observed ? budget.disruptionsAllowed : 0) - inDoubt;
  if (room > 0) return notBefore;
  if (observed && budget.disruptionsAllowed > 0) return Math.max(notBefore, spentAt + doubtMs);
  return inFlight > 0 ? now + doubtMs : Math.max(notBefore, heardAt + probeMs);
}
