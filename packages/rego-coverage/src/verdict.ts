import type { CoverageReport, FileSummary } from "./coverage-report.ts";
import { percentOf } from "./policy-coverage.ts";

/** Why a report is not good enough; empty when it is. */
export type Failure =
  | { code: "tests-failed"; count: number }
  | { code: "no-tests" }
  | { code: "untested"; files: string[] }
  | { code: "below-mutate-threshold"; percent: number; threshold: number }
  | { code: "below-threshold"; percent: number; file?: string };

/** What a report must reach. */
export interface Demand {
  /** Percent of coverable policy lines, 0 to 100. */
  threshold: number;
  /** Every file must reach it, not only all of them together. */
  perFile: boolean;
  /** Percent of the changes to policies that a test must notice; undefined for any. */
  mutateThreshold?: number | undefined;
}

/**
 * Judges a report: every test passes, there is at least one, every policy is touched by one, and the
 * threshold is reached. An untested file fails at any threshold.
 */
export function judge(
  report: CoverageReport,
  { threshold, perFile, mutateThreshold }: Demand,
): Failure[] {
  const failures: Failure[] = [];
  const failed = report.tests.filter(({ result }) => result === "fail" || result === "error");
  if (failed.length > 0) failures.push({ code: "tests-failed", count: failed.length });
  if (!report.tests.some(({ result }) => result !== "skip")) failures.push({ code: "no-tests" });
  const untested = report.files.filter((file) => file.untested).map(({ file }) => file);
  if (untested.length > 0) failures.push({ code: "untested", files: untested });
  if (below(report.summary, threshold)) {
    failures.push({ code: "below-threshold", percent: report.summary.percent });
  }
  for (const file of perFile ? report.files : []) {
    if (below(file, threshold)) {
      failures.push({ code: "below-threshold", percent: file.percent, file: file.file });
    }
  }
  const score = report.mutation?.score;
  if (score !== undefined && mutateThreshold !== undefined && score < mutateThreshold) {
    failures.push({ code: "below-mutate-threshold", percent: score, threshold: mutateThreshold });
  }
  return failures;
}

/** By counts, so that a rounded percentage cannot pass for a full one. */
function below({ covered, coverable }: Omit<FileSummary, "file" | "untested">, threshold: number) {
  return percentOf(covered, coverable) < threshold;
}
