import type { LabelSelector } from "../kubernetes/objects.ts";
import { selects } from "../kubernetes/selector.ts";
import { isAudited } from "./audit.ts";
import { type CoveredWorkload, coverWorkloads } from "./coverage.ts";
import { withoutVersion } from "./workloads.ts";

/** The budgets that are missing, and the workloads that no budget can help. */
export interface BudgetFix {
  /** `policy/v1` PodDisruptionBudgets, ready to apply. */
  budgets: MissingBudget[];
  unfixed: { workload: { kind: string; namespace: string; name: string }; reason: string }[];
}

export interface MissingBudget {
  apiVersion: "policy/v1";
  kind: "PodDisruptionBudget";
  metadata: { name: string; namespace: string };
  spec: { maxUnavailable: 1; unhealthyPodEvictionPolicy: "AlwaysAllow"; selector: LabelSelector };
}

/**
 * Makes a budget for every workload that has none: one pod at a time, and pods that are not Ready may always go.
 * None is made that would select a pod which has a budget: with two, a pod cannot be evicted at all.
 *
 * @param workloads as for `auditBudgets`, and so `budgets` and `pods`
 */
export function missingBudgets(workloads: object[], budgets: object[], pods: object[]): BudgetFix {
  const made: MissingBudget[] = [];
  const unfixed: BudgetFix["unfixed"] = [];
  const covered = coverWorkloads(workloads, budgets, pods).filter(isAudited);
  const guarded = covered.filter((each) => each.budgets.length > 0);
  for (const subject of covered.filter(needsBudget)) {
    // Its pods may be among those that a budget made for another selects.
    if (made.some((budget) => selectsAny(budget, subject))) continue;
    const candidate = budgetFor(subject, [...(budgets as MissingBudget[]), ...made]);
    const reason = candidate === undefined ? hopeless(subject) : conflict(candidate, guarded);
    if (candidate === undefined || reason !== undefined) {
      unfixed.push({ workload: identify(subject), reason: reason ?? "" });
      continue;
    }
    made.push(candidate);
    guarded.push(...covered.filter((each) => selectsAny(candidate, each)));
  }
  return { budgets: made, unfixed };
}

function selectsAny(
  { metadata, spec }: MissingBudget,
  { workload, labelSets }: CoveredWorkload,
): boolean {
  return (
    workload.namespace === metadata.namespace &&
    labelSets.some((labels) => selects(spec.selector, labels))
  );
}

function needsBudget({ workload, budgets }: CoveredWorkload): boolean {
  return budgets.length === 0 && workload.replicas !== 0;
}

function budgetFor(
  { workload, labelSets }: CoveredWorkload,
  existing: readonly MissingBudget[],
): MissingBudget | undefined {
  const { kind, namespace, name, selector, replicas } = workload;
  if (kind === "Pod" || replicas === undefined) return undefined;
  const taken = existing
    .filter(({ metadata }) => (metadata.namespace ?? "default") === namespace)
    .map(({ metadata }) => metadata.name);
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: freeName(name, kind, taken), namespace },
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: selector ?? { matchLabels: sharedLabels(labelSets) },
    },
  };
}

function freeName(name: string, kind: string, taken: readonly string[]): string {
  const names = [name, `${name}-${kind.toLowerCase()}`];
  for (let number = 2; names.every((each) => taken.includes(each)); number++) {
    names.push(`${name}-${kind.toLowerCase()}-${number}`);
  }
  return names.find((each) => !taken.includes(each)) ?? name;
}

/** The labels that all its pods have, whichever version they are of. */
function sharedLabels(sets: CoveredWorkload["labelSets"]): Record<string, string> {
  const [first = {}, ...others] = sets;
  const shared = Object.entries(first).filter(([key, value]) =>
    others.every((labels) => labels[key] === value),
  );
  return withoutVersion(Object.fromEntries(shared));
}

function hopeless({ workload }: CoveredWorkload): string {
  return workload.kind === "Pod"
    ? "a bare Pod: nothing replaces it after an eviction; let a Deployment make it"
    : "its replicas are not known, which maxUnavailable needs";
}

/** Why a budget would do harm: some pod it selects has a budget already. */
function conflict(budget: MissingBudget, guarded: CoveredWorkload[]): string | undefined {
  const { matchLabels, matchExpressions = [] } = budget.spec.selector;
  if (Object.keys(matchLabels ?? {}).length + matchExpressions.length === 0) {
    return "its pods share no label to select them by";
  }
  const other = guarded.find((each) => selectsAny(budget, each));
  if (other === undefined) return undefined;
  const { kind, name } = other.workload;
  return `its selector also selects pods of ${kind} ${name}, which have a PodDisruptionBudget`;
}

function identify({ workload: { kind, namespace, name } }: CoveredWorkload) {
  return { kind, namespace, name };
}
