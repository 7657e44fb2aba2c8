export {
  evaluateReadiness,
  type Readiness,
  type ReadinessReason,
  type ReadinessRule,
} from "./readiness.ts";
