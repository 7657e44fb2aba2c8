export {
  type IncidentFilter,
  type NewIncident,
  PagerDutyClient,
  type PagerDutyClientOptions,
} from "./client.ts";
export type { Clock } from "./clock.ts";
export { type Config, loadConfig, type TestedUser } from "./config.ts";
export { type Outcome as RequestOutcome, PagerDutyError } from "./errors.ts";
export type { TesterEvent } from "./events.ts";
export type { RateLimit, Timeouts } from "./http.ts";
export { createTestIncident } from "./incident.ts";
export type { Incident, LogEntry } from "./model.ts";
export type { ReportedRun, TestReport } from "./report.ts";
export type { Run } from "./run.ts";
export { nextRuns, ScheduleError } from "./schedule/schedule.ts";
export { createTester, type Tester, type TesterOptions } from "./tester.ts";
export { type Evidence, type Outcome, type Verdict, verdictOf } from "./verdict.ts";
