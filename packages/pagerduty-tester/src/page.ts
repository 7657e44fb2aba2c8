import type { PagerDutyClient } from "./client.ts";
import type { Clock } from "./clock.ts";
import { backoffMs, nextStep } from "./decide.ts";
import { PagerDutyError } from "./errors.ts";
import type { OnEvent } from "./events.ts";
import { createTestIncident, incidentUrl, keyPrefix } from "./incident.ts";
import type { Journal } from "./journal.ts";
import type { Incident } from "./model.ts";
import type { Pacer } from "./pacer.ts";
import type { Job } from "./queue.ts";
import type { Run } from "./run.ts";
import type { Outcome } from "./verdict.ts";

/** What sending a page needs of the world. */
export interface PageContext {
  client: PagerDutyClient;
  clock: Clock;
  journal: Journal;
  pacer: Pacer;
  subdomain: string | undefined;
  listLagMs: number;
  verifyMsOf(run: Run): number;
  maxLatenessOf(run: Run): number;
  creators(signal: AbortSignal): Promise<string[]>;
  onEvent: OnEvent;
  /** Called when an incident exists, new or found. */
  onPaged(run: Run): void;
  /** Called when the run ends without an incident. */
  onConcluded(run: Run, outcome: Outcome): void;
}

/**
 * Tries to page a person once. However often it is called, in whatever process, and wherever the process died
 * before, at most one incident comes of one run.
 *
 * @param signal ends the look-ups, so that nothing is sent any more; a request that creates an incident is finished
 * @returns the milliseconds until it should be called again, or undefined when it is done
 */
export async function attemptPage(
  job: Job,
  context: PageContext,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { run } = job;
  try {
    return await attempt(run, context, signal);
  } catch (error) {
    if (signal.aborted && error === signal.reason) return 0;
    const { message } = error as Error;
    if (!(error instanceof PagerDutyError)) {
      // The journal cannot be written: without it nothing may be sent.
      context.onEvent({ type: "trouble", reason: message });
      return retry(job, message, context);
    }
    if (error.outcome === "refused" && !error.rateLimited) {
      conclude(run, context, { verdict: "refused", evidence: [], reason: message });
      return undefined;
    }
    const inMs = retry(job, message, context, error.retryAfterMs);
    // It speaks for everybody who waits here.
    if (error.rateLimited) context.pacer.pause(context.clock.now(), inMs);
    return inMs;
  }
}

async function attempt(
  run: Run,
  context: PageContext,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { clock, journal } = context;
  journal.refresh();
  const known = journal.runs.get(run.key) ?? run;
  if (known.outcome !== undefined) return undefined;
  if (known.incident !== undefined) return paged(known, context, true);
  const found = await lookUp(known, context, signal);
  if (found !== undefined) return created(known, found, context, true);
  const limits = { listLagMs: context.listLagMs, maxLatenessMs: context.maxLatenessOf(known) };
  const step = nextStep(known, clock.now(), limits);
  if (step.do === "wait") return step.milliseconds;
  if (step.do === "give-up") {
    conclude(known, context, { verdict: step.verdict, evidence: [], reason: step.reason });
    return undefined;
  }
  const obstacle = await findObstacle(known, context, signal);
  if (obstacle !== undefined) {
    conclude(known, context, obstacle);
    return undefined;
  }
  signal.throwIfAborted();
  return send(known, context);
}

/**
 * The run's incident, of whatever status: the key alone protects only while the incident is open. Asked before
 * every request, as a journal may have been lost; a token that may not ask may not page.
 */
async function lookUp(
  run: Run,
  { client }: PageContext,
  signal: AbortSignal,
): Promise<Incident | undefined> {
  const filter = { key: run.key, serviceIds: [run.serviceId] };
  return (await client.listIncidents(filter, signal)).at(-1);
}

/** What makes a page pointless or harmful now. */
async function findObstacle(
  run: Run,
  context: PageContext,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  if ((await context.creators(signal)).includes(run.user.id)) {
    return {
      verdict: "self-assigned",
      evidence: [],
      reason:
        "incidents are created as this person, and PagerDuty pages nobody for those; set another from",
    };
  }
  const open = await openIncidents(run, context, signal);
  const real = open.find(({ incident_key }) => !incident_key?.startsWith(keyPrefix));
  if (real === undefined) return undefined;
  return {
    verdict: "skipped",
    evidence: [],
    reason: `in a real incident, ${real.id}, which an answer to a test could resolve too`,
  };
}

async function openIncidents(
  { user }: Run,
  { client }: PageContext,
  signal: AbortSignal,
): Promise<Incident[]> {
  try {
    const statuses = ["triggered", "acknowledged"] as const;
    return await client.listIncidents({ userIds: [user.id], statuses: [...statuses] }, signal);
  } catch (error) {
    if (error instanceof PagerDutyError && error.status === 404) return [];
    throw error;
  }
}

async function send(run: Run, context: PageContext): Promise<number | undefined> {
  const { client, clock, journal, pacer } = context;
  const { key, user, serviceId, scheduledAt } = run;
  journal.append({ event: "sending", key });
  pacer.take(clock.now());
  try {
    // Without a signal: a process that is asked to end waits for this answer.
    const incident = await createTestIncident(client, { user, serviceId, scheduledAt, key });
    obeyLimit(context);
    return created(run, incident, context, false);
  } catch (error) {
    if (!(error instanceof PagerDutyError)) throw error;
    // The incident is there, and the next look-up finds it.
    if (error.duplicate || error.outcome === "unknown") throw unknown(error);
    journal.append({ event: "not-accepted", key });
    if (error.rateLimited) pacer.pause(clock.now(), error.retryAfterMs ?? 60_000);
    throw error;
  }
}

/** A duplicate is doubt, not refusal: somebody's request was accepted. */
function unknown(error: PagerDutyError): PagerDutyError {
  return new PagerDutyError(error.message, { outcome: "unknown" });
}

/** The last answer said that the window is used up. */
function obeyLimit({ client, clock, pacer }: PageContext): void {
  const limit = client.lastLimit;
  if (limit?.remaining === 0) pacer.pause(clock.now(), limit.resetMs);
}

function created(run: Run, incident: Incident, context: PageContext, found: boolean): undefined {
  const { clock, journal } = context;
  const now = new Date(clock.now());
  const created = incident.created_at == null ? now : new Date(incident.created_at);
  journal.append({
    event: "created",
    key: run.key,
    incident: {
      id: incident.id,
      url: incidentUrl(incident, context.subdomain),
      createdAt: created.toISOString(),
      sentAt: (found ? (run.doubtSince ?? earlier(created, now)) : now).toISOString(),
      verifyMs: context.verifyMsOf(run),
      // Of a found one it may be the person's own doing.
      status: found ? undefined : (incident.status ?? undefined),
    },
  });
  return paged(run, context, found);
}

/** Of an incident that this journal did not send: PagerDuty's clock is all there is, and it may be ahead of ours. */
function earlier(created: Date, now: Date): Date {
  return created < now ? created : now;
}

function paged(run: Run, { onEvent, onPaged }: PageContext, found: boolean): undefined {
  onEvent({ type: "paged", run, found });
  onPaged(run);
}

function conclude(run: Run, { onConcluded }: PageContext, outcome: Outcome): void {
  onConcluded(run, outcome);
}

function retry(
  { run, failures }: Job,
  reason: string,
  { onEvent }: PageContext,
  afterMs?: number,
): number {
  const inMs = backoffMs(failures, afterMs);
  onEvent({ type: "retry", run, reason, inMs });
  return inMs;
}
