import type { CoveredWorkload, CoveringBudget } from "./coverage.ts";
import { type Finding, finding, plural } from "./finding.ts";
import { nodeSets } from "./node-checks.ts";
import type { AuditOptions } from "./options.ts";

type Check = (subject: CoveredWorkload, options: AuditOptions) => Finding[];

/** Every check, in the order in which a workload's findings are reported. */
export const checks: readonly Check[] = [
  missingBudget,
  doubledBudget,
  neverAllows,
  unhealthyBlocks,
  singleReplica,
  nodeSets,
];

function missingBudget({ workload, budgets }: CoveredWorkload): Finding[] {
  if (budgets.length > 0) return [];
  const { kind, replicas } = workload;
  if (kind === "Pod") {
    const message = "has no PodDisruptionBudget, and as a bare Pod nothing replaces it";
    return [finding("no-budget", "warning", workload, message)];
  }
  const many = replicas === undefined || replicas > 1;
  const message = many
    ? `has no PodDisruptionBudget: all of its ${plural(replicas, "replica")} may be evicted at once`
    : "has no PodDisruptionBudget";
  return [finding("no-budget", many ? "error" : "warning", workload, message)];
}

function doubledBudget({ workload, doubled }: CoveredWorkload): Finding[] {
  if (doubled.length === 0) return [];
  const names = doubled.map(({ name }) => name).join(" and ");
  const message = `is selected by ${doubled.length} PodDisruptionBudgets, ${names}: the eviction API refuses such pods`;
  return [finding("two-budgets", "error", workload, message)];
}

function neverAllows({ workload, budgets }: CoveredWorkload): Finding[] {
  return budgets
    .filter(({ steady }) => steady.disruptionsAllowed === 0)
    .map((budget) => finding("never-allows", "error", workload, neverAllowsMessage(budget)));
}

function neverAllowsMessage({ name, spec, steady }: CoveringBudget): string {
  const never = `PodDisruptionBudget ${name} never allows a disruption`;
  const { minAvailable, maxUnavailable } = spec;
  const demand =
    minAvailable === undefined
      ? `maxUnavailable ${maxUnavailable}`
      : `minAvailable ${minAvailable}`;
  const { problem, expectedPods, desiredHealthy, currentHealthy } = steady;
  if (problem === "invalid") {
    return `${never}: it needs exactly one of minAvailable and maxUnavailable, a count or a percentage up to 100%`;
  }
  if (problem === "no-scale") {
    return `${never}: ${demand} refers to replicas, and it also selects pods of a controller that has none (a DaemonSet, a Job); select fewer pods, or give minAvailable as a count`;
  }
  if (problem === "unmanaged") {
    return `${never}: ${demand} refers to replicas, and it selects bare Pods only; give minAvailable as a count`;
  }
  return `${never}: ${demand} of ${expectedPods} demands ${desiredHealthy} healthy, and there are never more than ${currentHealthy}`;
}

function unhealthyBlocks({ workload, budgets }: CoveredWorkload): Finding[] {
  const sick = workload.pods.filter((pod) => pod.sick);
  if (sick.length === 0) return [];
  return budgets.filter(sickPodsBlock).map(({ name, current }) => {
    const message = `${plural(sick.length, "pod")} not Ready (${sick[0]?.name}${sick.length > 1 ? ", …" : ""}): PodDisruptionBudget ${name} has ${current.currentHealthy} healthy of ${current.desiredHealthy} and blocks their own eviction; set unhealthyPodEvictionPolicy: AlwaysAllow`;
    return finding("unhealthy-blocks", "error", workload, message);
  });
}

/** A pod that is not Ready may go when the budget is met without it, or when the budget says so. */
function sickPodsBlock({ spec, current, steady }: CoveringBudget): boolean {
  const { currentHealthy, desiredHealthy, disruptionsAllowed } = current;
  if (spec.unhealthyPodEvictionPolicy === "AlwaysAllow" || steady.disruptionsAllowed === 0)
    return false;
  const met = desiredHealthy > 0 && currentHealthy >= desiredHealthy;
  return !met && disruptionsAllowed === 0;
}

function singleReplica({ workload }: CoveredWorkload): Finding[] {
  const { kind, replicas, pods } = workload;
  if (kind === "Pod" || replicas !== 1) return [];
  const [node] = pods.flatMap((pod) => (pod.healthy && pod.node ? [pod.node] : []));
  const message = "has one replica: every disruption of it is an outage";
  return [
    finding("single-replica", "warning", workload, message, node === undefined ? node : [node]),
  ];
}
