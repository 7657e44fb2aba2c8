import { renderAnnotation } from "@internal/lib/github";
import type { CheckReport } from "../finding.ts";
import { summaryOf } from "./text.ts";

/** The report as workflow commands, which GitHub shows beside the lines of a pull request. */
export function toGitHub(report: CheckReport): string {
  const found = report.findings.map(
    ({ severity, file, line, column, code, message, suggestion }) => {
      const text = suggestion === undefined ? message : `${message}\nTry ${suggestion}`;
      return renderAnnotation({
        level: severity,
        file,
        line,
        col: column,
        title: code,
        message: text,
      });
    },
  );
  const broken = report.unreadable.map(({ file, line, message }) =>
    renderAnnotation({ level: "error", file, line, title: "unreadable", message }),
  );
  return [...found, ...broken, summaryOf(report), ""].join("\n");
}
