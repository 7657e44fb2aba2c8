import { paintFor, plain } from "@internal/lib/colors";
import { type FormatRequest, writeFormats } from "@internal/lib/formats";
import type { Io } from "@internal/lib/io";
import type { DetailedReport } from "../run.ts";
import type { Demand, Failure } from "../verdict.ts";
import type { FormatName } from "./names.ts";

/** What the reports tell: the run, and how it was judged. */
export interface Judged {
  detailed: DetailedReport;
  failures: Failure[];
  demand: Demand;
  cwd: string;
}

/** Writes the requested reports; a renderer is loaded only when it is asked for. */
export async function writeReports(
  requests: FormatRequest<FormatName>[],
  judged: Judged,
  io: Io,
): Promise<void> {
  for (const { file = "coverage" } of requests.filter(({ name }) => name === "html")) {
    const { writeHtml } = await import("./html.ts");
    const page = await writeHtml(judged.detailed, judged.cwd, file);
    io.stderr.write(`rego-coverage: html report: ${page}\n`);
  }
  await writeFormats(
    requests.filter(({ name }) => name !== "html"),
    (name, { file }) => render(name, judged, file === undefined ? io : undefined),
    io,
  );
}

async function render(
  name: FormatName,
  { detailed, failures, demand, cwd }: Judged,
  io: Io | undefined,
): Promise<string> {
  switch (name) {
    case "text": {
      const { renderText } = await import("./text.ts");
      const paint = io === undefined ? plain : paintFor(io.stdout, io.env);
      return renderText(detailed.report, failures, demand, paint);
    }
    case "github":
      return (await import("./github.ts")).renderGithub(detailed.report, cwd);
    case "lcov":
      return (await import("./istanbul-reports.ts")).renderLcov(detailed, cwd);
    case "cobertura":
      return (await import("./istanbul-reports.ts")).renderCobertura(detailed, cwd);
    default:
      return `${JSON.stringify(detailed.report, undefined, 2)}\n`;
  }
}
