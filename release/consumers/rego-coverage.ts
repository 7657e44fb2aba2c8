import {
  type CoverageReport,
  formatMissing,
  type Missing,
  missingCoverage,
  runCoverage,
} from "rego-coverage";

const report: Promise<CoverageReport> = runCoverage({
  paths: ["policies"],
  opa: ["opa"],
  v0Compatible: false,
  ignore: [".*"],
  each: false,
  cwd: ".",
  signal: AbortSignal.timeout(1_000),
});
report.catch(() => undefined);
const missing: Missing[] = missingCoverage({ files: {} }, ["a.rego"], { cwd: "." });
export const lines: string[] = formatMissing(missing);
