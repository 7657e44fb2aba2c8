import type { V1PodDisruptionBudget, V1PodDisruptionBudgetSpec } from "@kubernetes/client-node";
import type { LabelSelector } from "../kubernetes/objects.ts";
import { type BudgetStatus, budgetStatus, type Member } from "./budget.ts";
import { indexSelectors, type Labels } from "./selector.ts";
import { sortWorkloads, type Workload, type WorkloadPod } from "./workloads.ts";

/** A budget with all that it covers. */
export interface CoveringBudget {
  namespace: string;
  name: string;
  spec: V1PodDisruptionBudgetSpec;
  /** Its status from the pods as they are. */
  current: BudgetStatus;
  /** Its status once every workload has all its replicas and all are Ready: what it can ever allow. */
  steady: BudgetStatus;
  pods: WorkloadPod[];
}

/** A workload with the budgets that select pods of it. */
export interface CoveredWorkload {
  workload: Workload;
  /** The different label sets of its pods. */
  labelSets: Labels[];
  budgets: CoveringBudget[];
  /** Budgets that select the same pod of it, when several do. */
  doubled: CoveringBudget[];
}

interface Collected extends CoveringBudget {
  live: Member[];
  full: Member[];
}

const uncounted: BudgetStatus = {
  expectedPods: 0,
  desiredHealthy: 0,
  currentHealthy: 0,
  disruptionsAllowed: 0,
};

/** Finds which budgets cover which workloads, and what each budget allows now and at best. */
export function coverWorkloads(
  objects: readonly object[],
  budgets: readonly object[],
  pods: readonly object[],
): CoveredWorkload[] {
  const collected = (budgets as readonly V1PodDisruptionBudget[]).map(collect);
  const find = indexSelectors(
    collected.map((item) => ({
      item,
      namespace: item.namespace,
      selector: (item.spec.selector ?? null) as LabelSelector | null,
    })),
  );
  const covered = sortWorkloads(objects, pods).map((workload) => cover(workload, find));
  for (const budget of collected) {
    budget.current = budgetStatus(budget.spec, budget.live);
    budget.steady = budgetStatus(budget.spec, budget.full);
  }
  return covered;
}

function collect({ metadata, spec }: V1PodDisruptionBudget): Collected {
  return {
    namespace: metadata?.namespace ?? "default",
    name: metadata?.name ?? "",
    spec: spec ?? {},
    current: uncounted,
    steady: uncounted,
    pods: [],
    live: [],
    full: [],
  };
}

function cover(
  workload: Workload,
  find: (namespace: string, labels: Labels) => Collected[],
): CoveredWorkload {
  const { namespace, template } = workload;
  const byTemplate = template === undefined ? [] : find(namespace, template);
  const byPods = new Map<Collected, WorkloadPod[]>();
  let doubled = byTemplate;
  for (const pod of workload.pods) {
    const budgets = find(namespace, pod.labels);
    if (budgets.length > doubled.length) doubled = budgets;
    for (const budget of budgets) {
      const own = byPods.get(budget);
      if (own === undefined) byPods.set(budget, [pod]);
      else own.push(pod);
    }
  }
  const budgets = [...new Set([...byTemplate, ...byPods.keys()])];
  for (const budget of budgets) {
    const own = byPods.get(budget) ?? [];
    budget.pods.push(...own);
    budget.live.push(...membersOf(workload, own));
    const full = byTemplate.includes(budget) ? (workload.replicas ?? 1) : countLasting(own);
    if (full > 0 && workload.replicas !== 0) budget.full.push(memberOf(workload, full, full));
  }
  return {
    workload,
    labelSets: labelSetsOf(workload),
    budgets,
    doubled: doubled.length > 1 ? doubled : [],
  };
}

/** The pods under a budget as it counts them now: each version of a custom controller by itself. */
function membersOf(workload: Workload, pods: readonly WorkloadPod[]): Member[] {
  const byVersion = Map.groupBy(pods, ({ version }) => version);
  return [...byVersion].map(([version, own]) => {
    const counted =
      version === undefined ? workload : { ...workload, ...version, kind: "ReplicaSet" };
    return memberOf(counted, own.length, countHealthy(own));
  });
}

function memberOf(workload: Workload, count: number, healthy: number): Member {
  const { kind, namespace, name, replicas } = workload;
  if (kind === "Pod") return { count, healthy };
  return {
    controller: JSON.stringify([kind, namespace, name]),
    ...(replicas === undefined ? {} : { scale: replicas }),
    count,
    healthy,
  };
}

function countHealthy(pods: readonly WorkloadPod[]): number {
  return pods.filter(({ healthy }) => healthy).length;
}

function countLasting(pods: readonly WorkloadPod[]): number {
  return pods.filter(({ finished }) => !finished).length;
}

function labelSetsOf({ template, pods }: Workload): Labels[] {
  const sets = new Map<string, Labels>();
  for (const labels of [
    ...(template === undefined ? [] : [template]),
    ...pods.map((pod) => pod.labels),
  ]) {
    sets.set(JSON.stringify(Object.entries(labels).sort()), labels);
  }
  return [...sets.values()];
}
