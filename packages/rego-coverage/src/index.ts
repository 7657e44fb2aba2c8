export type {
  CoverageReport,
  FileContexts,
  FileSummary,
  Ignored,
  Missing,
  MutationReport,
  Position,
  Reason,
  Survivor,
  TestResult,
} from "./coverage-report.ts";
export { EngineError, InputError, LoadError } from "./errors.ts";
export { formatMissing, missingCoverage } from "./missing.ts";
export { ReportError } from "./report.ts";
export { type CoverageOptions, runCoverage } from "./run.ts";
