export { type AuditOptions, auditBudgets, type BudgetAudit } from "./audit.ts";
export type { Finding, FindingCode } from "./audit-finding.ts";
export { parseMessage, type QueueMessage } from "./message.ts";
export { MessageError, type MessageErrorCode } from "./message-error.ts";
export { type DrainPlan, type DrainPolicy, type PodVerdict, planDrain } from "./plan.ts";
export {
  evaluateReadiness,
  type Readiness,
  type ReadinessReason,
  type ReadinessRule,
} from "./readiness.ts";
