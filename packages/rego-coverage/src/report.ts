import type { Position, Reason } from "./coverage-report.ts";

/** Rows `start` to `end`, both inclusive, with columns (end exclusive) where OPA gives them. */
export interface Range {
  start: Position;
  end: Position;
  reason?: Reason;
}

/** One file of OPA's report. Ranges overlap and nest, and a row may be in both lists. */
export interface FileRanges {
  covered: Range[];
  notCovered: Range[];
}

/** A value that is no coverage report of `opa test --coverage`. */
export class ReportError extends Error {
  override name = "ReportError";
  readonly code = "REPORT";
}

/**
 * Reads a coverage report of any OPA: runs of rows (to 1.17), ranges with columns (from 1.18), with the
 * reasons a part was never tried (from 1.20). OPA leaves out every field that is zero or empty.
 *
 * @returns the ranges by file, the file named as OPA names it
 * @throws ReportError when the value is no such report
 */
export function readReport(report: unknown): Map<string, FileRanges> {
  const files = isRecord(report) ? report["files"] : undefined;
  if (!isRecord(files)) {
    throw new ReportError("not a report of `opa test --coverage`: it has no `files`");
  }
  return new Map(
    Object.entries(files).map(([file, lists]) => {
      if (!isRecord(lists)) throw new ReportError(`${file}: expected an object, got ${lists}`);
      return [
        file,
        {
          covered: readRanges(file, lists["covered"]),
          notCovered: readRanges(file, lists["not_covered"]),
        },
      ];
    }),
  );
}

function readRanges(file: string, list: unknown): Range[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw new ReportError(`${file}: expected a list of ranges`);
  return list.map((item: unknown) => {
    const start = isRecord(item) ? readPosition(item["start"]) : undefined;
    if (!isRecord(item) || start === undefined) {
      throw new ReportError(`${file}: a range without a start row: ${JSON.stringify(item)}`);
    }
    const reason = readReason(item);
    const end = readPosition(item["end"]) ?? { row: start.row };
    return { start, end, ...(reason === undefined ? {} : { reason }) };
  });
}

function readPosition(value: unknown): Position | undefined {
  if (!isRecord(value)) return undefined;
  const { row, col } = value;
  if (!isCount(row)) return undefined;
  return isCount(col) ? { row, column: col } : { row };
}

/** OPA 1.20 and later give `kinds`; a build between 1.19 and 1.20 gave one `kind`. */
function readReason({ kinds, kind }: Record<string, unknown>): Reason | undefined {
  const given: unknown[] = Array.isArray(kinds) ? kinds : [kind];
  return given.find((one): one is Reason => one === "index_excluded" || one === "early_exit");
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
