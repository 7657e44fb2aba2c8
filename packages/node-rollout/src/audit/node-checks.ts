import type { CoveredWorkload, CoveringBudget } from "./coverage.ts";
import { type Finding, finding, plural } from "./finding.ts";
import { smallestNodeSet } from "./nodes.ts";
import type { AuditOptions } from "./options.ts";
import type { Workload, WorkloadPod } from "./workloads.ts";

/** The smallest set of nodes that ends the workload, and the smallest that breaks each budget. */
export function nodeSets(subject: CoveredWorkload, options: AuditOptions): Finding[] {
  const { workload, budgets } = subject;
  const own = nodesOf(workload.pods);
  const toZero = workload.replicas === 1 ? undefined : weakest(own, own.length, options);
  const below = budgets.flatMap((budget) => {
    const set = belowMinimum(budget, own, options);
    if (set === undefined) return [];
    // What takes it to zero says it all.
    if (toZero !== undefined && toZero.length <= set.length) return [];
    return [belowFinding(workload, budget, set)];
  });
  // The pair of nodes that ends it is no news where one of them is too many already.
  if (toZero === undefined || (options.nodes === undefined && below.length > 0)) return below;
  return [zeroFinding(workload, own.length, toZero), ...below];
}

/** Of a budget's other workloads nothing is said here: at least one of the nodes is the workload's own. */
function belowMinimum(
  { current, pods }: CoveringBudget,
  own: readonly string[],
  options: AuditOptions,
): string[] | undefined {
  const { currentHealthy, desiredHealthy, problem } = current;
  if (problem !== undefined || currentHealthy < desiredHealthy || desiredHealthy === 0)
    return undefined;
  return weakest(nodesOf(pods), currentHealthy - desiredHealthy + 1, options, own);
}

/**
 * The smallest set of nodes with so many of the pods, when it is small enough to be reported.
 *
 * @param nodes of each pod its node
 * @param own one of these is in the set, where any are given
 */
function weakest(
  nodes: readonly string[],
  loss: number,
  { nodes: limit }: AuditOptions,
  own: readonly string[] = nodes,
): string[] | undefined {
  if (loss < 1) return undefined;
  const set = smallestNodeSet(nodes, loss, own);
  if (set === undefined) return undefined;
  // Where each pod has a node to itself, only more replicas would help: nothing is wrong with the spread.
  const small =
    limit === undefined ? set.length === 1 || (set.length === 2 && loss > 2) : set.length <= limit;
  return small ? set : undefined;
}

function zeroFinding(workload: Workload, count: number, nodes: string[]): Finding {
  if (nodes.length === 1 && count > 1) {
    const message = `all ${count} pods are on node ${nodes[0]}: without it nothing is left`;
    return finding("one-node", "error", workload, message, nodes);
  }
  const message = `loses all ${plural(count, "pod")} when ${nodeNames(nodes)} down`;
  return finding("nodes-to-zero", "warning", workload, message, nodes);
}

function belowFinding(
  workload: Workload,
  { name, current, pods }: CoveringBudget,
  nodes: string[],
): Finding {
  const left = nodesOf(pods).filter((node) => !nodes.includes(node)).length;
  const message = `drops to ${left} of ${current.desiredHealthy} healthy pods that PodDisruptionBudget ${name} demands when ${nodeNames(nodes)} down`;
  return finding("nodes-below-minimum", "warning", workload, message, nodes);
}

function nodesOf(pods: readonly WorkloadPod[]): string[] {
  return pods.flatMap(({ healthy, node }) => (healthy && node !== undefined ? [node] : []));
}

function nodeNames(nodes: readonly string[]): string {
  return nodes.length === 1 ? `node ${nodes[0]} is` : `nodes ${nodes.join(", ")} are`;
}
