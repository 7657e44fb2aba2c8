/**
 * Sums the JSON reports of the test suites into the line `N passed, N failed`.
 * A missing report, a suite without tests, a skipped test or a failed one makes it exit 1.
 */
import { readFileSync } from "node:fs";

/** The part of vitest's JSON report that counts here. */
interface Report {
  numTotalTests: number;
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  success: boolean;
}

const files = process.argv.slice(2);
const problems: string[] = files.length === 0 ? ["no report was named"] : [];
let passed = 0;
let failed = 0;
for (const file of files) {
  const report = read(file);
  if (report === undefined) continue;
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  const notRun = report.numPendingTests + report.numTodoTests;
  if (report.numTotalTests === 0) problems.push(`${file}: no test ran`);
  if (notRun > 0) problems.push(`${file}: ${notRun} skipped`);
  // A file that cannot be loaded fails the run without counting as a failed test.
  if (!report.success && report.numFailedTests === 0) problems.push(`${file}: the run failed`);
}
for (const problem of problems) console.error(problem);
console.log(`${passed} passed, ${failed + problems.length} failed`);
process.exitCode = failed + problems.length === 0 ? 0 : 1;

function read(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    problems.push(`${file}: no report (${(error as Error).message})`);
    return undefined;
  }
}
