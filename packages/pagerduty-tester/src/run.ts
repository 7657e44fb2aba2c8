import type { Outcome } from "./verdict.ts";

/** One test of one person: what the journal knows of it. */
export interface Run {
  /** The incident's key, and the run's name everywhere. */
  key: string;
  user: { id: string; name: string };
  serviceId: string;
  scheduledAt: Date;
  /** Requests that may have created an incident. */
  attempts: number;
  /** When the last such request went out whose fate is not known; undefined when none is in doubt. */
  doubtSince?: Date | undefined;
  incident?: {
    id: string;
    url: string;
    /** On PagerDuty's clock, which all delays are on. */
    createdAt: Date;
    /** On ours, which the waiting is on. */
    sentAt: Date;
    /** How long the person has. */
    verifyMs: number;
    /** As it was created. */
    status?: string | undefined;
  };
  outcome?: Outcome;
  escalation?: "begun" | "done" | "failed";
  /** Whether the incident is known to be resolved. */
  resolved: boolean;
}

/** A line of the journal. */
export type JournalRecord = { key: string; at: string } & (
  | { event: "planned"; user: { id: string; name: string }; service: string; scheduledAt: string }
  /** Written before a request that may create an incident. */
  | { event: "sending" }
  /** That request did certainly not create one. */
  | { event: "not-accepted" }
  | {
      event: "created";
      incident: Omit<NonNullable<Run["incident"]>, "createdAt" | "sentAt"> & {
        createdAt: string;
        sentAt: string;
      };
    }
  | { event: "verdict"; outcome: Outcome }
  | { event: "escalating" | "escalated" | "escalation-failed" }
  | { event: "resolved" }
  /** The run is no longer in the schedule. */
  | { event: "dropped" }
);

/** Adds a record to what is known. A record of a run that was never planned says nothing. */
export function applyRecord(runs: Map<string, Run>, record: JournalRecord): void {
  if (record.event === "planned") {
    if (!runs.has(record.key)) runs.set(record.key, plannedRun(record));
    return;
  }
  const run = runs.get(record.key);
  if (run === undefined) return;
  switch (record.event) {
    case "sending":
      run.attempts += 1;
      run.doubtSince = new Date(record.at);
      return;
    case "not-accepted":
      run.attempts -= 1;
      if (run.attempts === 0) run.doubtSince = undefined;
      return;
    case "created": {
      const { createdAt, sentAt, ...incident } = record.incident;
      run.incident = { ...incident, createdAt: new Date(createdAt), sentAt: new Date(sentAt) };
      run.doubtSince = undefined;
      return;
    }
    case "verdict":
      run.outcome = record.outcome;
      return;
    case "escalating":
      run.escalation = "begun";
      return;
    case "escalated":
      run.escalation = "done";
      return;
    case "escalation-failed":
      run.escalation = "failed";
      return;
    case "resolved":
      run.resolved = true;
      return;
    case "dropped":
      runs.delete(record.key);
  }
}

function plannedRun(record: Extract<JournalRecord, { event: "planned" }>): Run {
  const { key, user, service, scheduledAt } = record;
  return {
    key,
    user,
    serviceId: service,
    scheduledAt: new Date(scheduledAt),
    attempts: 0,
    resolved: false,
  };
}

/** The fewest records that say what is known of a run. */
export function recordsOf(run: Run): JournalRecord[] {
  const { key, user, serviceId, scheduledAt, doubtSince, incident, outcome, escalation } = run;
  const at = scheduledAt.toISOString();
  const records: JournalRecord[] = [
    { event: "planned", key, at, user, service: serviceId, scheduledAt: at },
  ];
  for (let attempt = 0; doubtSince !== undefined && attempt < run.attempts; attempt += 1) {
    records.push({ event: "sending", key, at: doubtSince.toISOString() });
  }
  if (incident !== undefined) {
    const { createdAt, sentAt, ...rest } = incident;
    records.push({
      event: "created",
      key,
      at: sentAt.toISOString(),
      incident: { ...rest, createdAt: createdAt.toISOString(), sentAt: sentAt.toISOString() },
    });
  }
  if (outcome !== undefined) records.push({ event: "verdict", key, at, outcome });
  if (escalation !== undefined) records.push({ event: "escalating", key, at });
  if (escalation === "done") records.push({ event: "escalated", key, at });
  if (escalation === "failed") records.push({ event: "escalation-failed", key, at });
  if (run.resolved) records.push({ event: "resolved", key, at });
  return records;
}

/** Nothing is left to do for it. */
export function isSettled(run: Run): boolean {
  return run.outcome !== undefined && (run.incident === undefined || run.resolved);
}
