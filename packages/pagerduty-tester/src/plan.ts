import { type Config, longestVerifyMs, type TestedUser } from "./config.ts";
import { incidentKey, isManual } from "./incident.ts";
import type { Journal, NewRecord } from "./journal.ts";
import { overdueRuns } from "./overdue.ts";
import type { Run } from "./run.ts";

/** Writes the runs of these people and instants into the journal and gives those that nothing was done for yet. */
export function planRuns(
  journal: Journal,
  wanted: readonly { user: TestedUser; at: Date; key?: string }[],
): Run[] {
  const planned = wanted.map(
    ({ user, at, key = incidentKey(user.id, at) }): NewRecord & { key: string } => ({
      event: "planned",
      key,
      user: { id: user.id, name: user.name },
      service: user.service ?? "",
      scheduledAt: at.toISOString(),
    }),
  );
  journal.append(...planned.filter(({ key }) => !journal.runs.has(key)));
  return [...new Set(planned.map(({ key }) => key))].flatMap((key) => {
    const run = journal.runs.get(key);
    return run !== undefined && isUntouched(run) ? [run] : [];
  });
}

/** Runs whose instant has come. */
export interface Come {
  /** Due now, or late and to be made up for. */
  due: Run[];
  missed: Run[];
}

/**
 * Plans what has come for some people since they were last looked at.
 *
 * @param since each person's first instant that was planned and not made, if there is one
 */
export function planCome(
  journal: Journal,
  people: readonly { user: TestedUser; since: Date | undefined }[],
  now: number,
  catchUpMs: number,
): Come {
  const lists = people.map(({ user, since }) => {
    const { due, missed } = overdueRuns(user.schedule, since, now, catchUpMs);
    const entry = (at: Date) => ({ user, at });
    return { due: due === undefined ? [] : [entry(due)], missed: missed.map(entry) };
  });
  return {
    due: planRuns(
      journal,
      lists.flatMap(({ due }) => due),
    ),
    missed: planRuns(
      journal,
      lists.flatMap(({ missed }) => missed),
    ),
  };
}

/** What passed while nothing ran, and what an earlier process began. */
export interface TakenOver extends Come {
  begun: Run[];
}

/**
 * Sorts out, at a start, what the journal knows and what the schedule says. Plans that are no longer in the
 * schedule are forgotten; a page that another process may be sending by hand is left to it.
 */
export function takeOver(journal: Journal, config: Config, now: number): TakenOver {
  const known = [...journal.runs.values()].filter(
    ({ key, user, scheduledAt }) =>
      !isManual(key) || now - scheduledAt.getTime() > 2 * longestVerifyMs(config, user.id),
  );
  const firstPlanned = firstPlannedBefore(known, now);
  const people = config.users.map((user) => ({ user, since: firstPlanned.get(user.id) }));
  const come = planCome(journal, people, now, config.catchUpMs);
  const kept = new Set([...come.due, ...come.missed].map(({ key }) => key));
  const stale = known.filter((run) => isUntouched(run) && !kept.has(run.key));
  forget(journal, stale);
  return { ...come, begun: known.filter((run) => !isUntouched(run) && !isFinished(run)) };
}

/** After the clock was set back: what is to come again was not missed. */
export function forgetFutureMisses(journal: Journal, now: number): void {
  const early = [...journal.runs.values()].filter(
    ({ outcome, attempts, scheduledAt }) =>
      outcome?.verdict === "missed" && attempts === 0 && scheduledAt.getTime() > now,
  );
  forget(journal, early);
}

function forget(journal: Journal, runs: readonly Run[]): void {
  journal.append(...runs.map(({ key }): NewRecord => ({ event: "dropped", key })));
}

/** The earliest instant of each person that was planned and never made. */
function firstPlannedBefore(runs: readonly Run[], now: number): Map<string, Date> {
  const first = new Map<string, Date>();
  for (const run of runs) {
    if (!isUntouched(run) || run.scheduledAt.getTime() > now) continue;
    const earlier = first.get(run.user.id);
    if (earlier === undefined || run.scheduledAt < earlier) first.set(run.user.id, run.scheduledAt);
  }
  return first;
}

function isUntouched({ attempts, incident, outcome }: Run): boolean {
  return attempts === 0 && incident === undefined && outcome === undefined;
}

function isFinished({ outcome, incident, resolved, escalation }: Run): boolean {
  return outcome !== undefined && (incident === undefined || resolved) && escalation !== "begun";
}
