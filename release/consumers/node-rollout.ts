import {
  auditBudgets,
  type BudgetAudit,
  createDaemon,
  type DrainPolicy,
  drainNode,
  evaluateReadiness,
  type PodVerdict,
  parseMessage,
  planDrain,
  type QueueMessage,
  type ReadinessRule,
} from "node-rollout";

const message: QueueMessage = parseMessage("{}");
const policy: DrainPolicy = { ignoreDaemonSets: true, graceSeconds: 30 };
const plan: { pods: PodVerdict[]; blocked: PodVerdict[] } = planDrain([], [], policy);
const rule: ReadinessRule = { conditions: [{ type: "Ready", status: "True" }], maxAgeSeconds: 60 };
const ready: { ready: boolean; reasons: { condition: string; ok: boolean; message: string }[] } =
  evaluateReadiness({}, rule, new Date());
const audit: BudgetAudit = auditBudgets([], [], []);
export const used: unknown[] = [message, plan, ready, audit, createDaemon, drainNode];
