import { resolve } from "node:path";
import type { Missing, Position } from "./coverage-report.ts";
import { type FileRanges, type Range, readReport } from "./report.ts";
import { type Run, runsOfRanges } from "./rows.ts";

/**
 * What no test exercises in these policies, by a report of `opa test --coverage`.
 *
 * A gap is a run of adjacent rows, so reports of all OPA versions give the same form: overlapping, nested and
 * touching ranges become one. A row that OPA lists as covered and as not covered is not covered. A file the
 * report does not have, or of which it has nothing covered, is `untested`; one in which there is nothing to
 * cover (a module without rules) misses nothing.
 *
 * @param report the parsed JSON of `opa test --coverage`, of any OPA version
 * @param policyFiles paths as the user gave them; the result names files so. Test files are left out.
 * @param options.cwd where relative paths start; the default is the working directory
 * @throws ReportError when `report` is no coverage report
 */
export function missingCoverage(
  report: unknown,
  policyFiles: string[],
  options: { cwd?: string } = {},
): Missing[] {
  const { cwd = process.cwd() } = options;
  const byPath = new Map<string, FileRanges>();
  for (const [key, ranges] of readReport(report)) {
    const path = resolve(cwd, key);
    const known = byPath.get(path);
    byPath.set(path, known === undefined ? ranges : joined(known, ranges));
  }
  const files = new Set(policyFiles.filter((file) => !file.endsWith("_test.rego")));
  return sortMissing([...files].flatMap((file) => gapsOf(file, byPath.get(resolve(cwd, file)))));
}

/** A file's gaps; `ranges` undefined stands for a file that no test loaded. */
export function gapsOf(file: string, ranges: FileRanges | undefined): Missing[] {
  if (ranges === undefined || isUntested(ranges)) return [{ file, untested: true }];
  return runsOfRanges(ranges.notCovered).map((run) => gap(file, run, ranges.notCovered));
}

/** True for a file in which there is something to cover, and nothing of it is covered. */
export function isUntested({ covered, notCovered }: FileRanges): boolean {
  return covered.length === 0 && notCovered.length > 0;
}

/** The lines under `Missing coverage:`, sorted: `path:start-end`, `path:start` for one line, `path` for a file. */
export function formatMissing(missing: Missing[]): string[] {
  const lines = sortMissing(missing).map(({ file, start, end }) => {
    if (start === undefined) return file;
    return end === undefined || end.row <= start.row
      ? `${file}:${start.row}`
      : `${file}:${start.row}-${end.row}`;
  });
  return [...new Set(lines)];
}

/** By path, then by row. */
export function sortMissing(missing: Missing[]): Missing[] {
  return missing.toSorted(
    (a, b) =>
      byText(a.file, b.file) ||
      (a.start?.row ?? 0) - (b.start?.row ?? 0) ||
      (a.end?.row ?? 0) - (b.end?.row ?? 0),
  );
}

/** Orders texts by code unit, the same on every machine. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function gap(file: string, run: Run, ranges: Range[]): Missing {
  const inside = ranges
    .filter(({ start }) => start.row >= run.start && start.row <= run.end)
    .sort((a, b) => a.start.row - b.start.row || (a.start.column ?? 0) - (b.start.column ?? 0));
  const starts = inside.filter(({ start }) => start.row === run.start).map(({ start }) => start);
  const ends = inside.filter(({ end }) => end.row === run.end).map(({ end }) => end);
  // The first part that was never tried is what keeps the rest from being tried.
  const reason = inside.find((range) => range.reason !== undefined)?.reason;
  return {
    file,
    untested: false,
    start: position(run.start, Math.min(...columns(starts))),
    end: position(run.end, Math.max(...columns(ends))),
    ...(reason === undefined ? {} : { reason }),
  };
}

function columns(positions: Position[]): number[] {
  return positions.flatMap(({ column }) => (column === undefined ? [] : [column]));
}

function position(row: number, column: number): Position {
  return Number.isFinite(column) ? { row, column } : { row };
}

function joined(a: FileRanges, b: FileRanges): FileRanges {
  return {
    covered: [...a.covered, ...b.covered],
    notCovered: [...a.notCovered, ...b.notCovered],
  };
}
