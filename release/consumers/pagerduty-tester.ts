import {
  createTester,
  createTestIncident,
  loadConfig,
  nextRuns,
  PagerDutyClient,
  type TestReport,
  type Verdict,
  verdictOf,
} from "pagerduty-tester";
import { startFakePagerDuty } from "pagerduty-tester/fake";

const runs: Date[] = nextRuns("55 6 * * 2#1", {
  from: new Date(),
  count: 3,
  timeZone: "America/Los_Angeles",
});
const verdicts: Verdict[] = ["pass", "late", "no-response", "not-notified", "wrong-person"];
const report: TestReport = { runs: [] };
export const used: unknown[] = [runs, verdicts, report, createTester, createTestIncident];
export const more: unknown[] = [loadConfig, PagerDutyClient, verdictOf, startFakePagerDuty];
