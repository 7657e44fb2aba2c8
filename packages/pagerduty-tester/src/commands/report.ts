import { existsSync } from "node:fs";
import { paintFor, plain } from "@internal/lib/colors";
import { command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import { parseFormats, writeFormats } from "@internal/lib/formats";
import { configOption, journalFile, journalOption } from "./options.ts";

export const report = command({
  name: "report",
  usage: "[OPTION…]",
  summary: "Shows the verdicts in the journal.",
  options: {
    ...configOption,
    ...journalOption,
    format: { value: "NAME[=FILE]", multiple: true, help: "text, json or html" },
  },
  examples: [
    { line: "pagerduty-tester report --config people.yaml", does: "a table" },
    {
      line: "pagerduty-tester report --config people.yaml --format text --format html=tests.html",
      does: "and a page",
    },
  ],
  async run({ values, io }) {
    const formats = parseFormats(values.format ?? [], ["text", "json", "html"]);
    const file = journalFile(values);
    if (!existsSync(file)) {
      throw new UsageError(
        `${file}: no such journal; give it with --journal FILE or --config FILE`,
      );
    }
    const [{ readJournal }, { reportOf }, { reportText }, { reportHtml }] = await Promise.all([
      import("../journal.ts"),
      import("../report.ts"),
      import("../report-text.ts"),
      import("../report-html.ts"),
    ]);
    const found = reportOf(readJournal(file).values());
    await writeFormats(
      formats,
      (format, { file: target }) => {
        if (format === "json") return `${JSON.stringify(found, null, 2)}\n`;
        if (format === "html") return reportHtml(found, new Date());
        return reportText(found, target === undefined ? paintFor(io.stdout, io.env) : plain);
      },
      io,
    );
    return 0;
  },
});
