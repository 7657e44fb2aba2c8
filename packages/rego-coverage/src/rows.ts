/** Rows `start` to `end`, both inclusive. */
export interface Run {
  start: number;
  end: number;
}

/** Every row that one of the ranges touches. */
export function rowsOf(
  ranges: Iterable<{ start: { row: number }; end: { row: number } }>,
): Set<number> {
  const rows = new Set<number>();
  for (const { start, end } of ranges) {
    rows.add(start.row);
    for (let row = start.row + 1; row <= end.row; row++) rows.add(row);
  }
  return rows;
}

/** The rows of ranges as runs of adjacent ones, in order; a range may be as long as it likes. */
export function runsOfRanges(
  ranges: Iterable<{ start: { row: number }; end: { row: number } }>,
): Run[] {
  const runs: Run[] = [];
  const sorted = [...ranges].sort((a, b) => a.start.row - b.start.row);
  for (const { start, end } of sorted) {
    const last = runs.at(-1);
    const to = Math.max(start.row, end.row);
    if (last !== undefined && start.row <= last.end + 1) last.end = Math.max(last.end, to);
    else runs.push({ start: start.row, end: to });
  }
  return runs;
}

/** Rows as runs of adjacent ones, in order. */
export function runsOf(rows: Iterable<number>): Run[] {
  const runs: Run[] = [];
  for (const row of [...rows].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && row === last.end + 1) last.end = row;
    else runs.push({ start: row, end: row });
  }
  return runs;
}
