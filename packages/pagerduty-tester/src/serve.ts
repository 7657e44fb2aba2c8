import type { Log } from "@internal/lib/log";
import { serveObservability } from "@internal/lib/observability";
import { systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { beat } from "./heartbeat.ts";
import { linkedController } from "./linked.ts";
import type { Metrics } from "./metrics.ts";
import type { Tester } from "./tester.ts";

/** The schedule wakes at least every 30 s; longer silence means that something hangs. */
const silenceMs = 120_000;

/** Runs a tester as a daemon: with health, metrics and heartbeat. Ends as the tester does. */
export async function serve(options: {
  tester: Tester;
  config: Config;
  metrics: Metrics;
  log: Log;
  listen: string | undefined;
  signal: AbortSignal;
}): Promise<void> {
  const { tester, config, metrics, log, listen, signal } = options;
  let ready = false;
  const alive = () => Date.now() - tester.lastTick() < silenceMs;
  const server =
    listen === undefined
      ? undefined
      : await serveObservability({
          listen,
          registry: metrics.registry,
          health: () => (!ready || alive() ? undefined : "the schedule is not being looked at"),
          ready: () => (ready ? undefined : "PagerDuty was not reached yet"),
        });
  if (server !== undefined) log.info(`listening on ${server.url}`);
  const { controller: ended, unlink } = linkedController(signal);
  let beating: Promise<void> | undefined;
  const startBeating = (url: string) =>
    beat(url, {
      clock: systemClock,
      working: alive,
      onTrouble: (reason) => log.warning(reason),
      signal: ended.signal,
    });
  try {
    await tester.run({
      signal,
      onReady: () => {
        ready = true;
        if (config.heartbeat !== undefined) beating = startBeating(config.heartbeat);
        log.info("following the schedule", { people: config.users.length });
      },
    });
  } finally {
    unlink();
    ended.abort();
    await beating;
    await server?.close();
  }
}
