import type { SuiteRun } from "./engine/engine.ts";
import type { FileRanges, Range } from "./report.ts";

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
  const open = new Set(b.notCovered.map(place));
  return {
    covered: [...a.covered, ...b.covered],
    notCovered: a.notCovered.filter((range) => open.has(place(range))),
  };
}

function place({ start, end }: Range): string {
  return `${start.row}:${start.column ?? ""}-${end.row}:${end.column ?? ""}`;
}
