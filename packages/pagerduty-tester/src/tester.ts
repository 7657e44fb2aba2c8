import { cleanUp } from "./clean-up.ts";
import type { PagerDutyClient } from "./client.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Config, TestedUser } from "./config.ts";
import { backoffMs } from "./decide.ts";
import { createEngine } from "./engine.ts";
import { PagerDutyError } from "./errors.ts";
import type { OnEvent } from "./events.ts";
import { manualKey } from "./incident.ts";
import { openJournal } from "./journal.ts";
import { linkedController } from "./linked.ts";
import { forgetFutureMisses, planCome, planRuns, type TakenOver, takeOver } from "./plan.ts";
import type { Run } from "./run.ts";
import { createTimetable } from "./timetable.ts";

export interface TesterOptions {
  config: Config;
  client: PagerDutyClient;
  /** Login email that incidents are created by. */
  from: string;
  /** The journal's file; created when there is none. */
  journal: string;
  /** @default the machine's own */
  clock?: Clock;
  onEvent?: OnEvent;
}

/** Pages people and finds out how it went. It does one thing at a time: a second call meanwhile is rejected. */
export interface Tester {
  /**
   * Pages everybody by their schedule until the signal aborts; a page that is being sent then is finished.
   * While PagerDuty cannot be reached at the start it waits.
   *
   * @param options.onReady called when what an earlier process left is taken over
   * @throws PagerDutyError when PagerDuty refuses us for a minute at the start
   */
  run(options: { signal: AbortSignal; onReady?: () => void }): Promise<void>;
  /**
   * Pages whoever is due now or was within the catch-up window, waits for the verdicts, and gives those runs.
   *
   * @throws PagerDutyError when PagerDuty cannot be reached or refuses us
   */
  runOnce(options: { signal: AbortSignal }): Promise<Run[]>;
  /**
   * Pages one person now, waits for the verdict, and gives the run.
   *
   * @throws PagerDutyError when PagerDuty cannot be reached or refuses us
   */
  notify(user: TestedUser, options: { signal: AbortSignal }): Promise<Run>;
  /** How many pages wait to be sent, and how many for their verdict. */
  waiting(): { toSend: number; forVerdict: number };
  /** When the schedule was last looked at, in milliseconds since 1970. */
  lastTick(): number;
}

/** The longest sleep of the schedule; a clock that was set is noticed after this at the latest. */
const tickMs = 30_000;
/** Later than this is not merely a slow timer: the machine slept, or the clock was set forward. */
const awakeMs = 2 * tickMs;
/** How often the journal of a process that runs for months is compacted. */
const compactMs = 24 * 3_600_000;
/** How long PagerDuty may refuse us at the start: a token may be on its way to be mended. */
const refusedMs = 60_000;

/**
 * Makes a tester. It opens the journal at once.
 *
 * @throws an error with code `JOURNAL` when the journal cannot be read
 */
export function createTester(options: TesterOptions): Tester {
  const { config, client, from, clock = systemClock, onEvent = () => {} } = options;
  const journal = openJournal(options.journal, () => clock.now());
  const engine = createEngine({ config, client, from, journal, clock, onEvent });
  let lastTick = clock.now();
  let busy = false;

  /** Does something while the engine works, and ends with it. */
  async function working<T>(
    signal: AbortSignal,
    action: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (busy) throw new Error("this tester is at work; call it again when it is done");
    busy = true;
    const { controller: ended, unlink } = linkedController(signal);
    const either = ended.signal;
    const engineWork = engine.work(either);
    try {
      return await Promise.race([action(either), engineWork as Promise<never>]);
    } finally {
      unlink();
      ended.abort();
      await engineWork
        .catch((error: unknown) => {
          if (!either.aborted) throw error;
        })
        .finally(() => {
          busy = false;
        });
    }
  }

  const compact = () => journal.compact(clock.now() - config.keepMs);

  /** A full disk may have room again when it is next needed. */
  function compactOrSay(): void {
    try {
      compact();
    } catch (error) {
      onEvent({ type: "trouble", reason: (error as Error).message });
    }
  }

  function takeUp(): TakenOver {
    compact();
    return takeOver(journal, config, clock.now());
  }

  async function resolveLeftovers(taken: TakenOver, signal: AbortSignal): Promise<void> {
    const { due, begun } = taken;
    const keep = new Set([...due, ...begun].map(({ key }) => key));
    const cleaned = await cleanUp(client, config, { keep, now: clock.now(), signal });
    for (const { id, key } of cleaned) onEvent({ type: "cleaned-up", incidentId: id, key });
  }

  function begin({ due, begun, missed }: TakenOver): void {
    for (const run of missed) miss(run, "nothing ran at its time");
    for (const run of begun) engine.resume(run);
    for (const run of due) engine.send(run);
  }

  function miss(run: Run, reason: string): void {
    const outcome = { verdict: "missed" as const, evidence: [], reason };
    journal.append({ event: "verdict", key: run.key, outcome });
    onEvent({ type: "verdict", run: journal.runs.get(run.key) ?? run });
  }

  /** Tries until PagerDuty answers; says once why it waits. */
  async function patiently(action: () => Promise<void>, signal: AbortSignal): Promise<void> {
    let refusedSince: number | undefined;
    for (let failures = 0; ; failures += 1) {
      try {
        return await action();
      } catch (error) {
        if (!(error instanceof PagerDutyError)) throw error;
        const refused = error.outcome === "refused" && !error.rateLimited;
        if (refused && !error.unauthorized) throw error;
        // An outage before it says nothing of the token.
        refusedSince = refused ? (refusedSince ?? clock.now()) : undefined;
        if (refusedSince !== undefined && clock.now() - refusedSince >= refusedMs) throw error;
        if (failures === 0) {
          onEvent({ type: "trouble", reason: `${error.message}; trying again until it works` });
        }
        await clock.sleep(backoffMs(failures, error.retryAfterMs), signal);
      }
    }
  }

  async function follow(signal: AbortSignal): Promise<never> {
    let timetable = createTimetable(config.users, clock.now());
    let planned = timetable.entries();
    let compacted = clock.now();
    while (true) {
      planRuns(journal, planned);
      lastTick = clock.now();
      if (Math.abs(lastTick - compacted) >= compactMs) {
        compacted = lastTick;
        compactOrSay();
      }
      await clock.sleep(Math.min(tickMs, Math.max(0, timetable.next() - lastTick)), signal);
      const now = clock.now();
      if (now < lastTick) {
        // The clock was set back: instants come again, and the journal knows which were made.
        forgetFutureMisses(journal, now);
        timetable = createTimetable(config.users, now);
        planned = timetable.entries();
        continue;
      }
      if (timetable.next() > now) {
        planned = [];
        continue;
      }
      const come = timetable.takeDue(now).map(({ user, at }) => ({ user, since: at }));
      const { due, missed } = planCome(journal, come, now, Math.max(awakeMs, config.catchUpMs));
      for (const run of missed) miss(run, "nothing ran at its time");
      for (const run of due) engine.send(run);
      // Only theirs are new: ten thousand would hold up the page that is about to leave.
      const moved = new Set(come.map(({ user }) => user));
      planned = timetable.entries().filter(({ user }) => moved.has(user));
    }
  }

  return {
    run: ({ signal, onReady = () => {} }) =>
      working(signal, async (either) => {
        const taken = takeUp();
        await patiently(() => resolveLeftovers(taken, either), either);
        begin(taken);
        onReady();
        return follow(either);
      }),
    runOnce: ({ signal }) =>
      working(signal, async (either) => {
        const taken = takeUp();
        await resolveLeftovers(taken, either);
        begin(taken);
        const runs = [...taken.begun, ...taken.due];
        await engine.settled(runs, either);
        planRuns(journal, createTimetable(config.users, clock.now()).entries());
        return [...taken.missed, ...runs].map((run) => journal.runs.get(run.key) ?? run);
      }),
    notify: (user, { signal }) =>
      working(signal, async (either) => {
        // Says at once when PagerDuty cannot be reached.
        await client.listIncidents(
          { serviceIds: [user.service ?? ""], statuses: ["triggered"] },
          either,
        );
        const at = new Date(clock.now());
        const [run] = planRuns(journal, [{ user, at, key: manualKey(user.id, at) }]);
        if (run === undefined) throw new Error("the run could not be planned");
        engine.send(run);
        await engine.settled([run], either);
        return journal.runs.get(run.key) ?? run;
      }),
    waiting: engine.waiting,
    lastTick: () => lastTick,
  };
}
