import type { FileSummary, Ignored, Missing } from "./coverage-report.ts";
import { gapsOf, isUntested } from "./missing.ts";
import type { Pragma } from "./pragmas.ts";
import type { FileRanges } from "./report.ts";
import { rowsOf, runsOf } from "./rows.ts";
import type { PolicySource } from "./sources.ts";

/** One policy with all that is known of its coverage. */
export interface PolicyCoverage {
  file: string;
  text: string;
  /** Without what pragmas take out. */
  ranges: FileRanges;
  /** Rows with something to cover, and those of them that are covered. */
  coverable: Set<number>;
  coveredRows: Set<number>;
  missing: Missing[];
  ignored: Ignored[];
  pragmas: Pragma[];
}

/**
 * Judges one policy's ranges. The numbers are rows, whatever the engine's version: a row counts once, and one
 * that is covered in part is not covered.
 *
 * @param within only these rows count
 */
export function judgePolicy(
  { file, text, pragmas }: PolicySource,
  given: FileRanges,
  within: Set<number> | "all" = "all",
): PolicyCoverage {
  const ignoring = pragmas.filter(({ kind }) => kind === "ignore");
  const ignoredRows = rowsOf(
    ignoring.map(({ start, end }) => ({ start: { row: start }, end: { row: end } })),
  );
  const counts = (row: number) => !ignoredRows.has(row) && (within === "all" || within.has(row));
  const ranges = restricted(given, counts);
  const notCovered = rowsOf(ranges.notCovered);
  const coveredRows = [...rowsOf(ranges.covered)].filter((row) => !notCovered.has(row));
  return {
    file,
    text,
    pragmas,
    ranges,
    coverable: new Set([...coveredRows, ...notCovered]),
    coveredRows: new Set(coveredRows),
    missing: missingOf(file, given, ranges),
    ignored: ignoring.map(({ start, end, reason }) => ({
      file,
      start: { row: start },
      end: { row: end },
      reason,
    })),
  };
}

/** The policy's line in the report. */
export function summarize({ file, coverable, coveredRows, missing }: PolicyCoverage): FileSummary {
  return {
    file,
    coverable: coverable.size,
    covered: coveredRows.size,
    percent: percentOf(coveredRows.size, coverable.size),
    untested: missing.some(({ untested }) => untested),
  };
}

/** Where there is nothing to cover, all of it is covered. */
export function percentOf(covered: number, coverable: number): number {
  return coverable === 0 ? 100 : (100 * covered) / coverable;
}

/** Whether a file is untested is a matter of all of it, not of the rows that count. */
function missingOf(file: string, given: FileRanges, counted: FileRanges): Missing[] {
  if (isUntested(given) && counted.notCovered.length > 0) return [{ file, untested: true }];
  return gapsOf(file, { covered: given.covered, notCovered: counted.notCovered });
}

/** Only the rows that count; a range that loses some of its rows is cut into the runs that stay. */
function restricted(ranges: FileRanges, counts: (row: number) => boolean): FileRanges {
  const cut = (list: FileRanges["covered"]) =>
    list.flatMap((range) => {
      const rows = [...rowsOf([range])];
      const kept = rows.filter(counts);
      if (kept.length === rows.length) return [range];
      return runsOf(kept).map(({ start, end }) => ({
        ...range,
        start: start === range.start.row ? range.start : { row: start },
        end: end === range.end.row ? range.end : { row: end },
      }));
    });
  return { covered: cut(ranges.covered), notCovered: cut(ranges.notCovered) };
}
