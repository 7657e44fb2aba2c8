import { checks } from "./checks.ts";
import { type CoveredWorkload, coverWorkloads } from "./coverage.ts";
import type { Finding } from "./finding.ts";
import type { AuditOptions } from "./options.ts";
import { hasNoScale } from "./workloads.ts";

/** What an audit found, and over how much. */
export interface BudgetAudit {
  findings: Finding[];
  checked: { workloads: number; budgets: number };
}

/**
 * Audits PodDisruptionBudgets: workloads without one or with two on a pod, budgets that can never allow a disruption or
 * that sick pods block, single replicas, and the smallest sets of nodes that take a workload down.
 *
 * @param workloads Deployments, StatefulSets, ReplicaSets and whatever else makes pods, each with its `kind`;
 *   a custom controller's replicas are read from `spec.replicas`
 * @param budgets `policy/v1` PodDisruptionBudgets
 * @param pods the pods as they run; without them only what manifests can tell is found
 */
export function auditBudgets(
  workloads: object[],
  budgets: object[],
  pods: object[],
  options: AuditOptions = {},
): BudgetAudit {
  const covered = coverWorkloads(workloads, budgets, pods).filter(isAudited);
  const running = covered.filter(({ workload }) => workload.replicas !== 0);
  return {
    findings: running.flatMap((subject) => checks.flatMap((check) => check(subject, options))),
    checked: { workloads: covered.length, budgets: budgets.length },
  };
}

/** A workload that has replicas, and of which it is known which labels its pods have. */
export function isAudited({ workload, labelSets }: CoveredWorkload): boolean {
  const { kind, pods, gone } = workload;
  if (gone || hasNoScale(kind) || labelSets.length === 0) return false;
  return kind !== "Pod" || pods.some(({ finished }) => !finished);
}
