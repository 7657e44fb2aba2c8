import { createBell } from "./bell.ts";
import type { PagerDutyClient } from "./client.ts";
import type { Clock } from "./clock.ts";
import { conclude } from "./conclude.ts";
import type { Config, TestedUser } from "./config.ts";
import { createCreators } from "./creators.ts";
import { maxLatenessOf } from "./decide.ts";
import type { OnEvent } from "./events.ts";
import { isManual } from "./incident.ts";
import type { Journal } from "./journal.ts";
import { linkedController } from "./linked.ts";
import { createPacer } from "./pacer.ts";
import { attemptPage } from "./page.ts";
import { createQueue, type Queue } from "./queue.ts";
import { isSettled, type Run } from "./run.ts";
import { latestRun } from "./schedule/schedule.ts";
import type { Outcome } from "./verdict.ts";
import { createWatch } from "./watch.ts";

/** Takes runs from planned to settled: the queues, the watch over open incidents, and the closing of each. */
export interface Engine {
  /** Sends the run's page when its turn comes. */
  send(run: Run): void;
  /** Goes on with a run from wherever an earlier process left it. */
  resume(run: Run): void;
  /** Works until the signal aborts; a request that creates an incident is finished first. */
  work(signal: AbortSignal): Promise<void>;
  /** Resolves when each of the runs is settled. */
  settled(runs: readonly Run[], signal: AbortSignal): Promise<void>;
  waiting(): { toSend: number; forVerdict: number };
}

export function createEngine(options: {
  config: Config;
  client: PagerDutyClient;
  from: string;
  journal: Journal;
  clock: Clock;
  onEvent: OnEvent;
}): Engine {
  const { config, client, from, journal, clock, onEvent } = options;
  const creators = createCreators(client, from, clock);
  const queues = new Map<string, Queue>();
  const toClose: Run[] = [];
  const done = new Set<string>();
  const newWork = createBell(clock);
  const progress = createBell(clock);

  const current = (run: Run) => journal.runs.get(run.key) ?? run;
  // A person may be listed more than once: the entry whose schedule made the run counts.
  const userOf = ({ user, serviceId, scheduledAt }: Run) => {
    const entries = config.users.filter(({ id }) => id === user.id);
    const made = ({ service, schedule }: TestedUser) =>
      service === serviceId &&
      latestRun(schedule, scheduledAt)?.getTime() === scheduledAt.getTime();
    return entries.length > 1 ? (entries.find(made) ?? entries[0]) : entries[0];
  };

  function settle(run: Run, outcome: Outcome): void {
    journal.append({ event: "verdict", key: run.key, outcome });
    onEvent({ type: "verdict", run: current(run) });
    close(run);
  }

  function close(run: Run): void {
    toClose.push(run);
    newWork.ring();
  }

  const watch = createWatch({
    client,
    clock,
    pollMs: config.pollMs,
    creators,
    onVerdict: settle,
  });

  function queueOf(serviceId: string): Queue {
    const known = queues.get(serviceId);
    if (known !== undefined) return known;
    const pacer = createPacer(config.ratePerMinute);
    const context = {
      ...{ client, clock, journal, pacer, creators, onEvent },
      subdomain: config.subdomain,
      listLagMs: config.listLagMs,
      verifyMsOf: (run: Run) => userOf(run)?.verifyMs ?? config.verifyMs,
      maxLatenessOf: (run: Run) => {
        // Who asked for it by hand does not wait for longer, nor expect it of a later start.
        if (isManual(run.key)) return config.verifyMs;
        const user = userOf(run);
        return user === undefined ? 0 : maxLatenessOf(user, run.scheduledAt);
      },
      onPaged: (run: Run) => watch.add(current(run)),
      onConcluded: settle,
    };
    const queue = createQueue({
      clock,
      pacer,
      attempt: (job, signal) => attemptPage(job, context, signal),
    });
    queues.set(serviceId, queue);
    newWork.ring();
    return queue;
  }

  async function closeOne(run: Run, signal: AbortSignal): Promise<void> {
    const { escalation } = config;
    const onDelay = () => finish(run);
    const context = { client, clock, journal, escalation, onEvent, onDelay };
    try {
      await conclude(current(run), context, signal);
    } catch (error) {
      if (signal.aborted) return;
      onEvent({ type: "trouble", reason: (error as Error).message });
    }
    finish(run);
  }

  function finish(run: Run): void {
    done.add(run.key);
    progress.ring();
  }

  return {
    send: (run) => queueOf(run.serviceId).add(run),
    resume: (run) => {
      if (run.outcome !== undefined) close(run);
      else if (run.incident !== undefined) watch.add(run);
      else queueOf(run.serviceId).add(run);
    },
    work: async (outer) => {
      // One worker's failure ends all others; else they would be waited for without end.
      const { controller: ending, unlink } = linkedController(outer);
      const { signal } = ending;
      const workers = new Map<{ work(signal: AbortSignal): Promise<void> }, Promise<void>>();
      const closing = new Set<Promise<void>>();
      let failure: { error: unknown } | undefined;
      try {
        while (failure === undefined) {
          for (const worker of [watch, ...queues.values()]) {
            if (workers.has(worker)) continue;
            // A worker ends when the signal aborts, or by an error that ends everything.
            const work = worker.work(signal).catch((error: unknown) => {
              failure ??= { error };
              newWork.ring();
            });
            workers.set(worker, work);
          }
          for (const run of toClose.splice(0)) {
            const closed = closeOne(run, signal).finally(() => closing.delete(closed));
            closing.add(closed);
          }
          await newWork.wait(Number.POSITIVE_INFINITY, signal);
        }
        throw failure.error;
      } finally {
        unlink();
        ending.abort();
        await Promise.allSettled([...workers.values(), ...closing]);
      }
    },
    settled: async (runs, signal) => {
      const finished = (run: Run) =>
        done.has(run.key) || (isSettled(current(run)) && current(run).escalation !== "begun");
      while (!runs.every(finished)) await progress.wait(Number.POSITIVE_INFINITY, signal);
    },
    waiting: () => ({
      toSend: [...queues.values()].reduce((sum, queue) => sum + queue.length(), 0),
      forVerdict: watch.length(),
    }),
  };
}
