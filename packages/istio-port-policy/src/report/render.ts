import { paintFor, plain } from "@internal/lib/colors";
import type { Io } from "@internal/lib/io";
import type { CheckReport, PortFinding } from "../finding.ts";
import { toText } from "./text.ts";

export type ReportFormat = "text" | "json";

/** A report in one of its formats, its last line ended. */
export function render(
  format: ReportFormat,
  report: CheckReport,
  sources: ReadonlyMap<PortFinding, string>,
  target: { file?: string },
  io: Io,
): string {
  switch (format) {
    case "text":
      return toText(
        report,
        target.file === undefined ? paintFor(io.stdout, io.env) : plain,
        sources,
      );
    case "json":
      return `${JSON.stringify(report, undefined, 2)}\n`;
  }
}
