import { command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import type { Config, TestedUser } from "../config.ts";
import { configOption, connect, eventLine, journalFile, journalOption } from "./options.ts";

export const notify = command({
  name: "notify",
  usage: "--config FILE [OPTION…] NAME|ID",
  summary: "Pages one person now and waits for the verdict.",
  options: { ...configOption, ...journalOption },
  examples: [
    { line: "pagerduty-tester notify --config people.yaml PGRACE1", does: "by id" },
    { line: "pagerduty-tester notify --config people.yaml 'Grace Hopper'", does: "by name" },
  ],
  positionals: { min: 1, max: 1 },
  async run({ values, positionals, signal, io }) {
    const { config, account, client } = await connect(values, io);
    const user = findUser(config, positionals[0] ?? "");
    const { createTester } = await import("../tester.ts");
    const { createLog } = await import("@internal/lib/log");
    const { logEvent } = await import("../observe.ts");
    const log = createLog({ name: "pagerduty-tester", stream: io.stderr, level: "warning" });
    const tester = createTester({
      config,
      client,
      from: account.from,
      journal: journalFile(values),
      onEvent: (event) => {
        logEvent(log, event);
        const line = eventLine(event);
        if (line !== undefined) io.stdout.write(`${line}\n`);
      },
    });
    const { outcome } = await tester.notify(user, { signal });
    return outcome?.verdict === "pass" ? 0 : 1;
  },
});

function findUser({ users, file }: Config, wanted: string): TestedUser {
  const byId = users.find(({ id }) => id === wanted);
  if (byId !== undefined) return byId;
  const byName = users.filter(({ name }) => name === wanted);
  const ids = [...new Set(byName.map(({ id }) => id))];
  if (ids.length > 1) {
    throw new UsageError(`${wanted}: several people of that name (${ids.join(", ")}); give the id`);
  }
  const [user] = byName;
  if (user === undefined) throw new UsageError(`${wanted}: nobody in ${file} has that name or id`);
  return user;
}
