import { setFlagsFromString } from "node:v8";
import { command } from "@internal/lib/command";
import { isAbort } from "@internal/lib/errors";
import { print } from "@internal/lib/formats";
import {
  configFile,
  configOption,
  connect,
  eventLine,
  journalFile,
  journalOption,
} from "./options.ts";

export const run = command({
  name: "run",
  usage: "--config FILE [OPTION…]",
  summary: "Pages everybody by their schedule and finds out how it went.",
  details: `Needs PAGERDUTY_TOKEN, and SERVICE_ID and FROM_EMAIL where the file does not say them.
SIGTERM ends it after the page that is being sent; the next start goes on from the journal.`,
  options: {
    ...configOption,
    ...journalOption,
    once: {
      help: "only what is due within the catch-up window; waits for the verdicts, then ends",
    },
    "dry-run": { help: "says who would be paged, and asks PagerDuty nothing" },
    listen: { value: "ADDR", help: "serve /metrics, /healthz and /readyz on HOST:PORT or :PORT" },
  },
  examples: [
    { line: "pagerduty-tester run --config people.yaml", does: "until it is stopped" },
    { line: "pagerduty-tester run --config people.yaml --once", does: "for a cron job" },
  ],
  // Cut off, a single round has not said that everybody passed.
  endsClean: ({ once }) => once !== true,
  async run({ values, signal, io }) {
    // It lives for months beside others and has time: V8 then keeps its heap small. Reading 10 000 people takes
    // 175 MB at most instead of 290, and 120 in the end.
    setFlagsFromString("--optimize-for-size");
    if (values["dry-run"]) {
      const { dryRun } = await import("../dry-run.ts");
      const { loadConfig } = await import("../config.ts");
      const config = await loadConfig(configFile(values), { env: io.env });
      await dryRun(config, {
        once: values.once ?? false,
        signal,
        onDue: ({ user, at }) =>
          print(io.stdout, `${user.name}: would be paged for ${at.toISOString()}\n`),
      });
      return 0;
    }
    const { serve } = await import("../serve.ts");
    const metricsHolder: { request?: Parameters<typeof connect>[2] } = {};
    const { config, account, client } = await connect(values, io, (event) =>
      metricsHolder.request?.(event),
    );
    const { createTester } = await import("../tester.ts");
    const { createLog } = await import("@internal/lib/log");
    const { logEvent } = await import("../observe.ts");
    const { createMetrics } = await import("../metrics.ts");
    const log = createLog({
      name: "pagerduty-tester",
      stream: io.stderr,
      level: values.once ? "warning" : "info",
    });
    const tester = createTester({
      config,
      client,
      from: account.from,
      journal: journalFile(values),
      onEvent: (event) => {
        metrics.event(event);
        const line = eventLine(event);
        if (line !== undefined) io.stdout.write(`${line}\n`);
        // On a terminal one of the two is enough.
        if (line === undefined || !io.stdout.isTTY) logEvent(log, event);
      },
    });
    const metrics = createMetrics(tester.waiting);
    metricsHolder.request = metrics.request;
    if (values.once) {
      const runs = await tester.runOnce({ signal });
      if (runs.length === 0) log.info("nobody is due");
      if (config.heartbeat !== undefined) {
        const { ping } = await import("../heartbeat.ts");
        const problem = await ping(config.heartbeat, signal);
        if (problem !== undefined) log.warning(problem);
      }
      return runs.every(({ outcome }) => outcome?.verdict === "pass") ? 0 : 1;
    }
    try {
      await serve({ tester, config, metrics, log, listen: values.listen, signal });
    } catch (error) {
      if (!isAbort(error)) throw error;
    }
    return 0;
  },
});
