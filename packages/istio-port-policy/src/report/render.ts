import { paintFor, plain } from "@internal/lib/colors";
import type { Io } from "@internal/lib/io";
import type { CheckReport, PortFinding } from "../finding.ts";
import { toGitHub } from "./github.ts";
import { toJUnit } from "./junit.ts";
import { toSarif } from "./sarif.ts";
import { toText } from "./text.ts";

export type ReportFormat = "text" | "json" | "sarif" | "junit" | "github";

/** A report in one of its formats, its last line ended. */
export function render(
  format: ReportFormat,
  report: CheckReport,
  sources: ReadonlyMap<PortFinding, string>,
  target: { file?: string },
  io: Io,
): string {
  switch (format) {
    case "text": {
      if (target.file !== undefined) return toText(report, plain, sources);
      return toText(report, paintFor(io.stdout, io.env), sources, io.stdout.columns);
    }
    case "json":
      return `${JSON.stringify(report, undefined, 2)}\n`;
    case "sarif":
      return toSarif(report);
    case "junit":
      return toJUnit(report);
    case "github":
      return toGitHub(report);
  }
}
