import { dirname, join } from "node:path";
import { UsageError } from "@internal/lib/errors";
import type { Io } from "@internal/lib/io";
import type { Account, Config } from "../config.ts";
import type { TesterEvent } from "../events.ts";
import { seconds } from "../words.ts";

/** Options that several commands share. */
export const configOption = {
  config: { value: "FILE", short: "c", help: "the YAML file with the people" },
} as const;

export const journalOption = {
  journal: {
    value: "FILE",
    help: "what was sent and found out; default: pagerduty-tester.journal beside the config",
  },
} as const;

/** @throws UsageError when the option is missing */
export function configFile(values: { config?: string }): string {
  if (values.config === undefined) {
    throw new UsageError("--config FILE is missing; it names the YAML file with the people");
  }
  return values.config;
}

export function journalFile(values: { journal?: string; config?: string }): string {
  return values.journal ?? join(dirname(values.config ?? "."), "pagerduty-tester.journal");
}

/** Everything a command that talks to PagerDuty begins with. */
export async function connect(
  values: { config?: string },
  io: Io,
  onRequest?: (event: { phase: "begin" | "end"; method: string; status?: number }) => void,
): Promise<{
  config: Config;
  account: Account;
  client: import("../client.ts").PagerDutyClient;
}> {
  const [{ accountOf, loadConfig }, { PagerDutyClient }] = await Promise.all([
    import("../config.ts"),
    import("../client.ts"),
  ]);
  const config = await loadConfig(configFile(values), { env: io.env });
  const account = accountOf(config, io.env);
  const client = new PagerDutyClient({
    ...account,
    apiUrl: config.apiUrl,
    ...(onRequest === undefined ? {} : { onRequest }),
  });
  return { config, account, client };
}

/** An event as one line for people, or undefined when it is for the log alone. */
export function eventLine(event: TesterEvent): string | undefined {
  if (event.type === "paged") {
    const { user, incident } = event.run;
    return `${user.name}: ${event.found ? "was paged before" : "paged"}, ${incident?.url}`;
  }
  if (event.type !== "verdict") return undefined;
  const { user, outcome } = event.run;
  return `${user.name}: ${outcome === undefined ? "" : outcomeWords(outcome)}`;
}

function outcomeWords(outcome: import("../verdict.ts").Outcome): string {
  const { verdict, notifiedAfterMs, respondedAfterMs, channel, reason } = outcome;
  const details = [
    notifiedAfterMs === undefined ? undefined : `notified after ${seconds(notifiedAfterMs)}`,
    respondedAfterMs === undefined
      ? undefined
      : `answered after ${seconds(respondedAfterMs)}${channel === undefined ? "" : ` by ${channel}`}`,
    reason,
  ].filter((detail) => detail !== undefined);
  return details.length === 0 ? verdict : `${verdict} (${details.join(", ")})`;
}
