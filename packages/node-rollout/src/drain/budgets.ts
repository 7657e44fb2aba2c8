import { follow } from "../kubernetes/follow.ts";
import type { Kubernetes } from "../kubernetes/kubernetes.ts";
import { type Budget, toBudget } from "../kubernetes/objects.ts";
import { type BudgetLedger, createBudgetLedger } from "./budget-ledger.ts";

/** The cluster's PodDisruptionBudgets, kept current. */
export interface BudgetFeed {
  ledger: BudgetLedger;
  /** Resolves when they are known for the first time. */
  ready: Promise<void>;
  /** Calls the listener after every change of a budget, or of all at once; returns how to stop it. */
  onChange(listener: (budget?: Budget) => void): () => void;
}

export const budgetsPath = "/apis/policy/v1/poddisruptionbudgets";

/** Follows the budgets of all namespaces until the signal aborts. */
export function followBudgets(
  kubernetes: Kubernetes,
  options: { signal: AbortSignal; failed?: (error: unknown) => void },
): BudgetFeed {
  const { signal, failed } = options;
  const ledger = createBudgetLedger();
  const listeners = new Set<(budget?: Budget) => void>();
  const notify = (budget?: Budget) => {
    for (const listener of listeners) listener(budget);
  };
  const known = Promise.withResolvers<void>();
  void follow(kubernetes, { path: budgetsPath, signal }, toBudget, {
    listed(budgets) {
      ledger.replace(budgets);
      known.resolve();
      notify();
    },
    changed(type, budget) {
      if (type === "set") ledger.set(budget);
      else ledger.delete(budget);
      notify(type === "set" ? budget : undefined);
    },
    ...(failed && { failed }),
  });
  return {
    ledger,
    ready: known.promise,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
