import type { Paint } from "@internal/lib/colors";
import type { CheckReport, PortFinding } from "../finding.ts";
import { printable } from "./printable.ts";
import { wrap } from "./wrap.ts";

/**
 * The report for people: by file, the source line with a caret below it where there is one, and a summary.
 *
 * @param sources the source line of each finding that has a place
 * @param columns how wide the terminal is, if it is one
 */
export function toText(
  report: CheckReport,
  paint: Paint,
  sources: ReadonlyMap<PortFinding, string> = new Map(),
  columns?: number,
): string {
  const lines: string[] = [];
  let file: string | undefined;
  for (const finding of report.findings) {
    if (finding.file !== undefined && finding.file !== file) {
      file = finding.file;
      lines.push(paint("underline", printable(file)));
    }
    lines.push(...describe(finding, paint, sources.get(finding), columns), "");
  }
  lines.push(summaryOf(report));
  return `${lines.join("\n")}\n`;
}

function describe(
  finding: PortFinding,
  paint: Paint,
  source: string | undefined,
  columns: number | undefined,
): string[] {
  const { line, column = 1, severity, code, message, suggestion } = finding;
  const colour = severity === "error" ? "red" : "yellow";
  const place = line === undefined ? "" : `${line}:${column}`;
  const head = [place, severity, code, ""].filter((part, index) => index > 0 || part !== "");
  const first = 2 + head.join("  ").length;
  const said = wrap(printable(message), columns, { first, indent: 4 });
  const painted = place === "" ? "" : `${paint("dim", place)}  `;
  const lines = [`  ${painted}${paint(colour, severity)}  ${code}  ${said}`];
  if (source !== undefined && source.length <= 200) {
    const value = source.slice(column - 1);
    const width = /^(?:"[^"]*"|'[^']*'|[^\s,}]+)/.exec(value)?.[0].length ?? 1;
    // Tabs stay, so that the caret is below its place whatever their width.
    const indent = source.slice(0, column - 1).replaceAll(/[^\t]/g, " ");
    lines.push(`    ${printable(source)}`, `    ${indent}${paint(colour, "^".repeat(width))}`);
  }
  if (suggestion !== undefined) {
    const tried = wrap(printable(suggestion), columns, { first: 9, indent: 9 });
    lines.push(`    ${paint("green", "try:")} ${tried}`);
  }
  return lines;
}

/** `2 errors, 1 warning in 5 Services with 9 ports` and how many files they were in. */
export function summaryOf({ findings, checked, unreadable }: CheckReport): string {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const found =
    findings.length === 0
      ? "No findings"
      : `${count(errors, "error")}, ${count(findings.length - errors, "warning")}`;
  const files = checked.files === 0 ? "" : `, ${count(checked.files, "file")}`;
  const broken = unreadable.length === 0 ? "" : `; ${count(unreadable.length, "place")} unreadable`;
  return `${found} in ${count(checked.services, "Service")} (${count(checked.ports, "port")}${files})${broken}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
