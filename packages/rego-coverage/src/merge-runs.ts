import type { SuiteRun } from "./engine/engine.ts";
import type { FileRanges, Range } from "./report.ts";
import { rowsOf } from "./rows.ts";

/**
 * Makes one run of several. A file that several of them loaded is covered where one of them covers it;
 * there is no coverage when one of them has none.
 */
export function mergeRuns(runs: SuiteRun[]): SuiteRun {
  const coverage = new Map<string, FileRanges>();
  for (const run of runs) {
    for (const [file, ranges] of run.coverage ?? []) {
      const known = coverage.get(file);
      coverage.set(file, known === undefined ? ranges : either(known, ranges));
    }
  }
  const contexts = runs.flatMap((run) => [...(run.contexts ?? [])]);
  return {
    tests: runs.flatMap(({ tests }) => tests),
    coverage: runs.some((run) => run.coverage === undefined) ? undefined : coverage,
    ...(contexts.length > 0 ? { contexts: new Map(contexts) } : {}),
  };
}

function either(a: FileRanges, b: FileRanges): FileRanges {
  const open = new Set(b.notCovered.flatMap(rowByRow).map(place));
  return {
    covered: [...a.covered, ...b.covered],
    notCovered: a.notCovered.flatMap(rowByRow).filter((range) => open.has(place(range))),
  };
}

/** Runs of rows, as OPA gives them to 1.17, are cut differently in every run of the tests; their rows are not. */
function rowByRow(range: Range): Range[] {
  if (range.start.column !== undefined) return [range];
  return [...rowsOf([range])].map((row) => ({ ...range, start: { row }, end: { row } }));
}

function place({ start, end }: Range): string {
  return `${start.row}:${start.column ?? ""}-${end.row}:${end.column ?? ""}`;
}
