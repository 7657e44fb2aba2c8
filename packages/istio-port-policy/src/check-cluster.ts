import { createChecker } from "./check-service.ts";
import { type ClusterOptions, readCluster } from "./cluster.ts";
import type { CheckOptions, CheckReport } from "./finding.ts";

export interface CheckClusterOptions extends CheckOptions, ClusterOptions {}

/**
 * Checks every Service of a live cluster. Needs `list` on services and namespaces, and the optional peer
 * `@kubernetes/client-node`.
 *
 * @throws PolicyError for an option that cannot be meant, without the peer, and when the cluster does not answer
 */
export async function checkCluster(options: CheckClusterOptions = {}): Promise<CheckReport> {
  const check = createChecker(options);
  const report: CheckReport = {
    findings: [],
    checked: { files: 0, services: 0, ports: 0 },
    unreadable: [],
  };
  for await (const { service, namespaceLabels } of readCluster(options)) {
    report.checked.services++;
    report.checked.ports += service.spec?.ports?.length ?? 0;
    report.findings.push(...check(service, namespaceLabels));
  }
  return report;
}
