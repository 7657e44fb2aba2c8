import type { Paint } from "@internal/lib/colors";
import { formatPlace } from "@internal/lib/errors";
import { renderSarif } from "@internal/lib/sarif";
import type { BudgetAudit } from "./audit.ts";
import type { Finding, FindingCode } from "./finding.ts";
import { plural } from "./finding.ts";
import type { AuditInput } from "./manifests.ts";

const rules: Record<FindingCode, string> = {
  "no-budget": "No PodDisruptionBudget limits how many pods are evicted at once",
  "two-budgets": "Two PodDisruptionBudgets select one pod, which then cannot be evicted",
  "never-allows": "A PodDisruptionBudget never allows a disruption",
  "unhealthy-blocks": "Pods that are not Ready block their own eviction",
  "single-replica": "One replica: every disruption is an outage",
  "one-node": "All pods are on one node",
  "nodes-below-minimum": "Few nodes take a workload below its budget's minimum",
  "nodes-to-zero": "Few nodes take all pods of a workload",
};

/** The findings for people, one a line, and a count. */
export function auditText(
  { findings, checked }: BudgetAudit,
  placeOf: AuditInput["placeOf"],
  paint: Paint,
): string {
  const lines = findings.map(({ code, severity, workload, message }) => {
    const place = placeOf(workload);
    const where = place === undefined ? "" : `${formatPlace(place)}: `;
    const level = paint(severity === "error" ? "red" : "yellow", severity);
    return `${where}${level}: ${subjectOf(workload)} ${message} (${code})`;
  });
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const found = `${plural(errors, "error")}, ${plural(findings.length - errors, "warning")}`;
  const over = `${plural(checked.workloads, "workload")} and ${plural(checked.budgets, "PodDisruptionBudget")}`;
  return [...lines, `${over} checked: ${found}`, ""].join("\n");
}

/** The findings as SARIF 2.1.0. */
export function auditSarif(
  { findings }: BudgetAudit,
  placeOf: AuditInput["placeOf"],
  version: string,
): string {
  return renderSarif({
    tool: { name: "node-rollout", version },
    rules,
    results: findings.map(({ code, severity, workload, message }) => {
      const place = placeOf(workload);
      const subject = subjectOf(workload);
      return {
        rule: code,
        level: severity,
        message: `${subject} ${message}`,
        subject,
        ...(place === undefined ? {} : { place }),
      };
    }),
  });
}

/** `Deployment shop/web` */
export function subjectOf({ kind, namespace, name }: Finding["workload"]): string {
  return `${kind} ${namespace}/${name}`;
}
