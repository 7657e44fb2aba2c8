import type { MutationReport } from "./mutate/mutation-report.ts";

/** A place in a file: row and column count from 1, columns in code points. */
export interface Position {
  row: number;
  column?: number;
}

/** Why the engine says a part was never tried. */
export type Reason = "index_excluded" | "early_exit";

/**
 * What no test exercises: rows `start` to `end` of a policy (both inclusive, columns end exclusive and only
 * where the engine gives them), or a whole file that no test touched (`untested`, no rows).
 */
export interface Missing {
  file: string;
  untested: boolean;
  start?: Position;
  end?: Position;
  reason?: Reason;
}

/** One test, as OPA names it: `data.PACKAGE.test_x`. */
export interface TestResult {
  name: string;
  file: string;
  row: number;
  result: "pass" | "fail" | "skip" | "error";
  /** What a test that did not pass printed, and its error. */
  message?: string;
}

/** Lines of one policy file: `percent` of the `coverable` ones are `covered`. */
export interface FileSummary {
  file: string;
  coverable: number;
  covered: number;
  percent: number;
  /** No test touched the file. */
  untested: boolean;
}

/** Rows that a pragma in the source takes out of the numbers, with its reason. */
export interface Ignored {
  file: string;
  start: { row: number };
  end: { row: number };
  reason: string;
}

/** Which tests exercise a policy's rows. */
export interface FileContexts {
  file: string;
  rows: { row: number; tests: string[] }[];
}

export type { MutationReport, Survivor } from "./mutate/mutation-report.ts";

/** `--format json`. Percent of coverable policy lines; test files never count. */
export interface CoverageReport {
  engine: { name: "opa" | "embedded" | "command"; version: string };
  tests: TestResult[];
  files: FileSummary[];
  missing: Missing[];
  summary: { coverable: number; covered: number; percent: number };
  /** Only when a policy has ignore pragmas. */
  ignored?: Ignored[];
  /** Only when asked for. */
  contexts?: FileContexts[];
  /** Only when asked for, and when all tests pass. */
  mutation?: MutationReport;
}
