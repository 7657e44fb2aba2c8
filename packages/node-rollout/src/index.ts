export { auditBudgets, type BudgetAudit } from "./audit/audit.ts";
export type { Finding, FindingCode } from "./audit/finding.ts";
export type { AuditOptions } from "./audit/options.ts";
export type { AwsClients } from "./aws/clients.ts";
export type { Config, ConfigInput } from "./config.ts";
export { createDaemon, type Daemon, type DaemonOptions } from "./daemon/daemon.ts";
export type { DaemonEvent } from "./daemon/event.ts";
export type { WebhookMessage } from "./daemon/webhook.ts";
export { type DrainOptions, drainNode } from "./drain/drain.ts";
export { type DrainNodesOptions, drainNodes, type NodeProgress } from "./drain/nodes.ts";
export { type DrainPlan, type DrainPolicy, type PodVerdict, planDrain } from "./drain/plan.ts";
export type { DrainProgress } from "./drain/progress.ts";
export {
  evaluateReadiness,
  type Readiness,
  type ReadinessReason,
  type ReadinessRule,
} from "./gate/readiness.ts";
export { connectKubernetes } from "./kubernetes/connect.ts";
export type { Kubernetes } from "./kubernetes/kubernetes.ts";
export { MessageError, type MessageErrorCode } from "./message/error.ts";
export { parseMessage, type QueueMessage } from "./message/message.ts";
export { type DeploymentOptions, renderDeployment } from "./render/deployment.ts";
export { type IamOptions, renderIam } from "./render/iam.ts";
export { type RbacOptions, renderRbac } from "./render/rbac.ts";
export { type NodeStatus, readStatus, type StatusOptions } from "./status/status.ts";
export type { Wait } from "./wait.ts";
