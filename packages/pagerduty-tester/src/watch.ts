import { createBell } from "./bell.ts";
import type { PagerDutyClient } from "./client.ts";
import type { Clock } from "./clock.ts";
import { PagerDutyError } from "./errors.ts";
import type { Run } from "./run.ts";
import { type Outcome, verdictOf } from "./verdict.ts";

export interface WatchContext {
  client: PagerDutyClient;
  clock: Clock;
  pollMs: number;
  creators(signal: AbortSignal): Promise<string[]>;
  /** Called once, when the verdict on a page is known. */
  onVerdict(run: Run, outcome: Outcome): void;
}

export interface Watch {
  add(run: Run): void;
  /** Follows what was added until the signal aborts. */
  work(signal: AbortSignal): Promise<void>;
  /** How many pages wait for their verdict. */
  length(): number;
}

/** How long after the deadline an API in trouble is asked again before the verdict is `unknown`. */
const graceMs = 5 * 60_000;

/** Follows the incidents that were created until each has its verdict. */
export function createWatch(context: WatchContext): Watch {
  const { clock, pollMs } = context;
  const open = new Set<Run>();
  const bell = createBell(clock);
  return {
    add: (run) => {
      open.add(run);
      bell.ring();
    },
    length: () => open.size,
    work: async (signal) => {
      while (!signal.aborted) {
        await look(open, context, signal);
        const now = clock.now();
        const deadlines = [...open].map((run) => deadlineOf(run) - now).filter((ms) => ms > 0);
        const pause = Math.min(pollMs, youngestAge(open, now) / 3 + firstPollMs);
        const idle = open.size === 0;
        await bell.wait(idle ? Number.POSITIVE_INFINITY : Math.min(pause, ...deadlines), signal);
      }
    },
  };
}

/** Most people answer soon or never: looks become rarer with the age of the youngest page. */
const firstPollMs = 1_000;

function youngestAge(open: ReadonlySet<Run>, now: number): number {
  const ages = [...open].map(({ incident }) => now - (incident?.sentAt.getTime() ?? 0));
  return Math.max(0, Math.min(...ages));
}

async function look(open: Set<Run>, context: WatchContext, signal: AbortSignal): Promise<void> {
  const over = [...open].filter((run) => deadlineOf(run) <= context.clock.now());
  const waiting = [...open].filter((run) => !over.includes(run));
  const moved = await movedAmong(waiting, context, signal);
  for (const run of [...over, ...moved]) {
    const outcome = await outcomeOf(run, context, signal);
    if (outcome === undefined) continue;
    open.delete(run);
    context.onVerdict(run, outcome);
  }
}

/**
 * The runs whose incident somebody touched. One request lists the untouched ones of a service, so that several
 * hundred open pages do not take several hundred requests a poll; a single one is asked for directly.
 */
async function movedAmong(
  runs: readonly Run[],
  { client }: WatchContext,
  signal: AbortSignal,
): Promise<Run[]> {
  if (runs.length < 2) return [...runs];
  const serviceIds = [...new Set(runs.map(({ serviceId }) => serviceId))];
  try {
    const triggered = await client.listIncidents({ serviceIds, statuses: ["triggered"] }, signal);
    const untouched = new Set(triggered.map(({ id }) => id));
    return runs.filter(({ incident }) => !untouched.has(incident?.id ?? ""));
  } catch (error) {
    // The next poll asks again; at the deadline each incident is looked at by itself.
    if (error instanceof PagerDutyError) return [];
    throw error;
  }
}

async function outcomeOf(
  run: Run,
  { client, clock, creators }: WatchContext,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const { incident, user } = run;
  if (incident === undefined) return undefined;
  const { createdAt, verifyMs, status } = incident;
  try {
    const creatorIds = await creators(signal);
    const entries = await client.listLogEntries(incident.id, signal);
    return verdictOf({
      userId: user.id,
      createdAt,
      createdStatus: status,
      deadline: new Date(createdAt.getTime() + verifyMs),
      over: clock.now() >= deadlineOf(run),
      entries,
      creatorIds,
    });
  } catch (error) {
    if (!(error instanceof PagerDutyError)) throw error;
    const refused = error.outcome === "refused" && !error.rateLimited;
    const late = clock.now() >= deadlineOf(run) + (refused ? 0 : graceMs);
    if (!late) return undefined;
    return {
      verdict: "unknown",
      evidence: [],
      reason: `the incident's log could not be read: ${error.message}`,
    };
  }
}

/** On our clock. */
function deadlineOf({ incident }: Run): number {
  return incident === undefined
    ? Number.POSITIVE_INFINITY
    : incident.sentAt.getTime() + incident.verifyMs;
}
