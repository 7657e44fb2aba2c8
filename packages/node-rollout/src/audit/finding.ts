import type { Workload } from "./workloads.ts";

/**
 * - `no-budget`: nothing limits how many of its pods are evicted at once
 * - `two-budgets`: two budgets select one pod; the eviction API answers 500 and never evicts it
 * - `never-allows`: a budget that allows no disruption even when every pod is Ready; a drain waits for ever
 * - `unhealthy-blocks`: pods that are not Ready block their own eviction, as the budget does not say `AlwaysAllow`
 * - `single-replica`: every disruption is an outage
 * - `one-node`: all its pods are on one node
 * - `nodes-below-minimum`: so few nodes take it below its budget's minimum
 * - `nodes-to-zero`: so few nodes take all its pods
 */
export type FindingCode =
  | "no-budget"
  | "two-budgets"
  | "never-allows"
  | "unhealthy-blocks"
  | "single-replica"
  | "one-node"
  | "nodes-below-minimum"
  | "nodes-to-zero";

export interface Finding {
  code: string;
  /** `error`: a drain would stop for ever, or be an outage. `warning`: a failure would be one. */
  severity: "error" | "warning";
  workload: { kind: string; namespace: string; name: string };
  message: string;
  /** The smallest set of nodes that does it, the fullest first. */
  nodes?: string[];
}

/** "3 replicas"; "some" where the number is not known. */
export function plural(count: number | undefined, noun: string): string {
  return `${count ?? "some"} ${noun}${count === 1 ? "" : "s"}`;
}

/** A finding about a workload. */
export function finding(
  code: FindingCode,
  severity: Finding["severity"],
  { kind, namespace, name }: Workload,
  message: string,
  nodes?: readonly string[],
): Finding {
  const found = { code, severity, workload: { kind, namespace, name }, message };
  return nodes === undefined ? found : { ...found, nodes: [...nodes] };
}
