import {
  type CheckReport,
  checkCluster,
  checkManifests,
  checkService,
  type DecidedBy,
  detectProtocol,
  type PortFinding,
  type Protocol,
  renderAdmissionPolicy,
  renderConstraint,
  renderConstraintTemplate,
  renderRego,
  type ServicePort,
} from "istio-port-policy";

const port: ServicePort = { name: "grpc-api", appProtocol: null, port: 9000, protocol: "TCP" };
const answer: { protocol: Protocol; decidedBy: DecidedBy } = detectProtocol(port, {
  istioVersion: "1.30",
});
const findings: PortFinding[] = checkService({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "shop" },
  spec: { ports: [{ name: "web", port: 80 }] },
});
const report: Promise<CheckReport> = checkManifests(["manifests"]);
export const used: unknown[] = [answer, findings, report, checkCluster];
export const rendered: unknown[] = [
  renderConstraintTemplate,
  renderConstraint,
  renderAdmissionPolicy,
  renderRego,
];
