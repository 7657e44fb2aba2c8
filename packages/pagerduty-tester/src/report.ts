import type { Run } from "./run.ts";
import type { Outcome, Verdict } from "./verdict.ts";

/** The verdicts of a journal, the latest run first. */
export interface TestReport {
  runs: ReportedRun[];
}

export interface ReportedRun {
  user: { id: string; name: string };
  /** ISO 8601, UTC. */
  scheduledAt: string;
  incident?: { id: string; url: string };
  verdict: Verdict;
  /** Delays count from the incident's creation. */
  notifiedAfterMs?: number;
  respondedAfterMs?: number;
  acknowledgedAfterMs?: number;
  resolvedAfterMs?: number;
  channel?: string;
  /** Ids of the log entries that prove it. */
  evidence: string[];
  reason?: string;
}

/** The runs that have a verdict. */
export function reportOf(runs: Iterable<Run>): TestReport {
  const concluded = [...runs].flatMap((run) =>
    run.outcome === undefined ? [] : [reportedRun(run, run.outcome)],
  );
  return { runs: concluded.toSorted((a, b) => b.scheduledAt.localeCompare(a.scheduledAt)) };
}

function reportedRun({ user, scheduledAt, incident }: Run, outcome: Outcome): ReportedRun {
  return {
    user,
    scheduledAt: scheduledAt.toISOString(),
    ...(incident === undefined ? {} : { incident: { id: incident.id, url: incident.url } }),
    ...outcome,
  };
}
