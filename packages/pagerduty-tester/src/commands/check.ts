import { paintFor, plain } from "@internal/lib/colors";
import { command } from "@internal/lib/command";
import { parseFormats, writeFormats } from "@internal/lib/formats";
import { formatTable } from "@internal/lib/table";
import { configOption, connect } from "./options.ts";

export const check = command({
  name: "check",
  usage: "--config FILE [OPTION…]",
  summary: "Looks at account, people and schedules for what would spoil a test; pages nobody.",
  options: {
    ...configOption,
    format: { value: "NAME[=FILE]", multiple: true, help: "text or json" },
  },
  examples: [{ line: "pagerduty-tester check --config people.yaml", does: "before the first run" }],
  async run({ values, signal, io }) {
    const formats = parseFormats(values.format ?? [], ["text", "json"]);
    const { config, account, client } = await connect(values, io);
    const [{ checkAccount }, { formatLocal }] = await Promise.all([
      import("../check/check.ts"),
      import("../schedule/warnings.ts"),
    ]);
    const report = await checkAccount(config, client, account.from, new Date(), signal);
    const { findings, sends, timeZoneData } = report;
    const failed = findings.some(({ severity }) => severity === "error");
    const colors = { error: "red", warning: "yellow", ok: "green" } as const;
    await writeFormats(
      formats,
      (format, { file }) => {
        if (format === "json") {
          const plainSends = sends.map(({ user, scheduledAt, sendAt, problem }) => ({
            user: { id: user.id, name: user.name },
            scheduledAt,
            sendAt,
            ...(problem === undefined ? {} : { problem }),
          }));
          return `${JSON.stringify({ ok: !failed, findings, sends: plainSends, timeZoneData }, null, 2)}\n`;
        }
        const paint = file === undefined ? paintFor(io.stdout, io.env) : plain;
        const rows = findings.map(({ severity, subject, message }) => [
          paint(colors[severity], severity),
          subject,
          message,
        ]);
        const coming = sends.map(({ user, sendAt }) => [
          user.name,
          formatLocal(sendAt, user.timeZone),
          sendAt.toISOString(),
        ]);
        return `${formatTable(rows).join("\n")}

Next pages, as the rate limit of ${config.ratePerMinute} a minute lets them go (time zone data ${timeZoneData}):
${formatTable(coming).join("\n")}
`;
      },
      io,
    );
    return failed ? 1 : 0;
  },
});
