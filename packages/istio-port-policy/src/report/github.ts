import type { CheckReport } from "../finding.ts";
import { summaryOf } from "./text.ts";

/** The report as workflow commands, which GitHub shows beside the lines of a pull request. */
export function toGitHub(report: CheckReport): string {
  const found = report.findings.map(
    ({ severity, file, line, column, code, message, suggestion }) => {
      const text = suggestion === undefined ? message : `${message}\nTry ${suggestion}`;
      return annotation(severity, { file, line, col: column, title: code }, text);
    },
  );
  const broken = report.unreadable.map(({ file, line, message }) =>
    annotation("error", { file, line, title: "unreadable" }, message),
  );
  return [...found, ...broken, summaryOf(report), ""].join("\n");
}

function annotation(
  level: string,
  properties: Record<string, string | number | undefined>,
  message: string,
): string {
  const given = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${escapeProperty(String(value))}`);
  return `::${level} ${given.join(",")}::${escapeData(message)}`;
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
