import { command } from "@internal/lib/command";
import { parseFormats, writeFormats } from "@internal/lib/formats";
import { parseNumber } from "@internal/lib/numbers";
import { formatTable } from "@internal/lib/table";
import { configFile, configOption } from "./options.ts";

export const next = command({
  name: "next",
  usage: "--config FILE [OPTION…]",
  summary: "Shows the coming runs, in the person's time and in UTC.",
  options: {
    ...configOption,
    count: { value: "N", short: "n", help: "runs a person; default 3" },
    format: { value: "NAME[=FILE]", multiple: true, help: "text or json" },
  },
  examples: [{ line: "pagerduty-tester next --config people.yaml --count 5", does: "five each" }],
  async run({ values, io }) {
    const formats = parseFormats(values.format ?? [], ["text", "json"]);
    const count = parseNumber("--count", values.count ?? "3", { whole: true, from: 1 });
    const [{ loadConfig }, { comingRuns }, { scheduleWarnings, formatLocal }] = await Promise.all([
      import("../config.ts"),
      import("../schedule/schedule.ts"),
      import("../schedule/warnings.ts"),
    ]);
    const config = await loadConfig(configFile(values), { env: io.env });
    const now = new Date();
    const people = config.users.map((user, index) => ({
      user,
      runs: comingRuns(user.schedule, now, count),
      warnings: scheduleWarnings(user.schedule, now).map(
        (warning) => `${config.placeOfUser(index, "cron")}: ${user.name}: ${warning}`,
      ),
    }));
    for (const warning of people.flatMap(({ warnings }) => warnings)) {
      io.stderr.write(`warning: ${warning}\n`);
    }
    const rows = people.flatMap(({ user, runs }) =>
      runs.map((at) => [user.name, user.id, formatLocal(at, user.timeZone), at.toISOString()]),
    );
    await writeFormats(
      formats,
      (format) =>
        format === "json"
          ? `${JSON.stringify({ users: people.map(({ user, runs, warnings }) => ({ id: user.id, name: user.name, cron: user.cron, timeZone: user.timeZone, runs, warnings })) }, null, 2)}\n`
          : `${formatTable([["NAME", "ID", "LOCAL", "UTC"], ...rows]).join("\n")}\n`,
      io,
    );
    return 0;
  },
});
