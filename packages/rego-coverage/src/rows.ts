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
