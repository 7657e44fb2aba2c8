import type { PagerDutyClient } from "./client.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import { backoffMs } from "./decide.ts";
import { PagerDutyError } from "./errors.ts";
import { postEscalation } from "./escalate.ts";
import type { OnEvent } from "./events.ts";
import type { Journal } from "./journal.ts";
import type { Run } from "./run.ts";

export interface ConcludeContext {
  client: PagerDutyClient;
  clock: Clock;
  journal: Journal;
  escalation: Config["escalation"];
  onEvent: OnEvent;
  /** Called when the incident cannot be resolved yet; nobody has to wait for that, it is tried on. */
  onDelay(): void;
}

/** Failures after which it is said, and not waited for. */
const manyFailures = 5;

/** What is left to do once a run has its verdict: tell somebody, and close the incident. */
export async function conclude(
  run: Run,
  context: ConcludeContext,
  signal: AbortSignal,
): Promise<void> {
  await escalate(run, context);
  await resolve(run, context, signal);
}

/** Once for a run: what is begun and was cut off is not sent again, and said. */
async function escalate(
  run: Run,
  { journal, escalation, onEvent }: ConcludeContext,
): Promise<void> {
  const { key, outcome } = run;
  const wanted = escalation?.on.some((verdict) => verdict === outcome?.verdict) ?? false;
  if (escalation === undefined || !wanted || run.escalation === "done") return;
  if (run.escalation !== undefined) {
    if (run.escalation === "begun") {
      journal.append({ event: "escalation-failed", key });
      const reason = "the process ended while it was being sent";
      onEvent({ type: "escalation-failed", run, reason });
    }
    return;
  }
  journal.append({ event: "escalating", key });
  const problem = await postEscalation(escalation.webhook, run);
  journal.append({ event: problem === undefined ? "escalated" : "escalation-failed", key });
  onEvent(
    problem === undefined
      ? { type: "escalated", run }
      : { type: "escalation-failed", run, reason: problem },
  );
}

/**
 * An acknowledged incident would page again, and an open one would be merged with real ones: it is tried until it
 * works, however long PagerDuty is away.
 */
async function resolve(run: Run, context: ConcludeContext, signal: AbortSignal): Promise<void> {
  const { client, clock, journal, onEvent, onDelay } = context;
  const { incident, outcome, key } = run;
  if (incident === undefined || run.resolved) return;
  for (let failures = 0; outcome?.resolvedAfterMs === undefined; failures += 1) {
    try {
      await client.resolveIncident(incident.id, `pagerduty-tester: ${outcome?.verdict}`, signal);
      break;
    } catch (error) {
      if (!(error instanceof PagerDutyError)) throw error;
      const hopeless = error.outcome === "refused" && !error.rateLimited;
      const many = failures + 1 === manyFailures;
      if (hopeless || many) {
        const again = hopeless ? "the next start tries again" : "it is tried on";
        const reason = `${incident.id} could not be resolved; ${again}: ${error.message}`;
        onEvent({ type: "trouble", reason });
      }
      if (hopeless) return;
      if (many) onDelay();
      await clock.sleep(backoffMs(failures, error.retryAfterMs), signal);
    }
  }
  journal.append({ event: "resolved", key });
}
