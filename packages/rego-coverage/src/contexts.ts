import type { FileContexts } from "./coverage-report.ts";
import { byText } from "./missing.ts";
import type { PolicyCoverage } from "./policy-coverage.ts";
import type { FileRanges } from "./report.ts";
import { rowsOf } from "./rows.ts";

/** Turns what each test covers into which tests cover each row, for the coverable rows of the policies. */
export function contextsOf(
  byTest: Map<string, Map<string, FileRanges>>,
  policies: PolicyCoverage[],
): FileContexts[] {
  return policies.map(({ file, coverable }) => {
    const tests = new Map<number, string[]>();
    for (const [test, coverage] of byTest) {
      for (const row of rowsOf(coverage.get(file)?.covered ?? [])) {
        if (coverable.has(row)) tests.set(row, [...(tests.get(row) ?? []), test]);
      }
    }
    const rows = [...tests].sort(([a], [b]) => a - b);
    return { file, rows: rows.map(([row, names]) => ({ row, tests: names.sort(byText) })) };
  });
}
