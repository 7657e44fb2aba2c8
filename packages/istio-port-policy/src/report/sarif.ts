import { renderSarif } from "@internal/lib/sarif";
import packageJson from "../../package.json" with { type: "json" };
import type { CheckReport } from "../finding.ts";
import { codes } from "./codes.ts";

/** The report as SARIF 2.1.0, for code scanning. */
export function toSarif({ findings, unreadable }: CheckReport): string {
  return renderSarif({
    tool: { name: packageJson.name, version: packageJson.version },
    rules: codes,
    failures: unreadable.map(({ message, ...place }) => ({ message, place })),
    results: findings.map((finding) => {
      const { file, line, column, severity, code, message, suggestion } = finding;
      return {
        rule: code,
        level: severity,
        message: suggestion === undefined ? message : `${message}. Try ${suggestion}`,
        ...(file === undefined ? {} : { place: { file, line, column } }),
        subject: `${finding.kind} ${finding.namespace}/${finding.service}`,
      };
    }),
  });
}
