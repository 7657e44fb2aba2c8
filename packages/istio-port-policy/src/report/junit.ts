import type { CheckReport, PortFinding } from "../finding.ts";
import { summaryOf } from "./text.ts";

/**
 * The report as JUnit XML: a failed test case for each error, and one for what cannot be read; warnings are
 * passed cases with their text as output. Without any there is one passed case, so that the suite is not empty.
 */
export function toJUnit(report: CheckReport): string {
  const { findings, unreadable } = report;
  const cases = [
    ...findings.map(caseOf),
    ...unreadable.map(
      ({ file, line, message }) =>
        `  <testcase classname=${quote(file)} name="readable">\n    <error message=${quote(line === undefined ? message : `line ${line}: ${message}`)}/>\n  </testcase>`,
    ),
  ];
  if (cases.length === 0)
    cases.push(`  <testcase classname="check" name=${quote(summaryOf(report))}/>`);
  const failures = findings.filter(({ severity }) => severity === "error").length;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
<testsuite name="istio-port-policy" tests="${cases.length}" failures="${failures}" errors="${unreadable.length}">
${cases.join("\n")}
</testsuite>
</testsuites>
`;
}

function caseOf(finding: PortFinding): string {
  const { namespace, service, port, code, severity, message, suggestion, file, line } = finding;
  const name = `${code}: ${service}, port ${port.name || port.number || port.index}`;
  const place = file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}: `;
  const text = `${place}${message}${suggestion === undefined ? "" : `\ntry: ${suggestion}`}`;
  const body =
    severity === "error"
      ? `<failure type=${quote(code)} message=${quote(message)}>${escapeXml(text)}</failure>`
      : `<system-out>${escapeXml(text)}</system-out>`;
  return `  <testcase classname=${quote(`${namespace}.${service}`)} name=${quote(name)}>\n    ${body}\n  </testcase>`;
}

function quote(text: string): string {
  return `"${escapeXml(text).replaceAll('"', "&quot;").replaceAll("\n", "&#10;")}"`;
}

/** XML 1.0 has no way to write control characters, so they become the replacement character. */
function escapeXml(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}
