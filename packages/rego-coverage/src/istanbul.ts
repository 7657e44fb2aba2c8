import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import libCoverage, {
  type CoverageMap,
  type CoverageMapData,
  type Range,
} from "istanbul-lib-coverage";
import type { FileContexts } from "./coverage-report.ts";
import type { PolicyCoverage } from "./policy-coverage.ts";

/**
 * Puts policies into istanbul's terms for its reporters: statements, each within one row, for istanbul gives a
 * statement of several rows only to its first one, and lets the best of a row's statements speak for it. So a
 * covered row is one statement, and a row that is not covered has its uncovered spans and nothing else.
 * Hits are the number of tests where that is known, else 1.
 */
export function toIstanbul(
  policies: PolicyCoverage[],
  cwd: string,
  contexts: FileContexts[] = [],
): CoverageMap {
  const data: CoverageMapData = {};
  for (const policy of policies) {
    const path = resolve(cwd, policy.file);
    const rows = contexts.find(({ file }) => file === policy.file)?.rows ?? [];
    const tests = new Map(rows.map(({ row, tests }) => [row, tests.length]));
    const lines = policy.text.split(/\r?\n/);
    const statements = [
      ...[...policy.coveredRows].map((row) => ({
        range: wholeRow(row, lines),
        hits: Math.max(1, tests.get(row) ?? 1),
      })),
      ...uncoveredSpans(policy, lines).map((range) => ({ range, hits: 0 })),
    ];
    data[path] = {
      path,
      statementMap: Object.fromEntries(statements.map(({ range }, index) => [index, range])),
      s: Object.fromEntries(statements.map(({ hits }, index) => [index, hits])),
      fnMap: {},
      f: {},
      branchMap: {},
      b: {},
    };
  }
  return libCoverage.createCoverageMap(data);
}

/** The folder that reports name files from: the git repository's, or where we are. */
export function projectRoot(cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return folder;
    if (folder === dirname(folder)) return cwd;
  }
}

/** The uncovered parts of each row, none overlapping another; columns of UTF-16, end exclusive. */
function uncoveredSpans({ ranges }: PolicyCoverage, lines: string[]): Range[] {
  const byRow = new Map<number, { from: number; to: number }[]>();
  for (const { start, end } of ranges.notCovered) {
    for (let row = start.row; row <= end.row; row++) {
      const { start: first, end: last } = wholeRow(row, lines);
      const line = lines[row - 1] ?? "";
      const from = row === start.row && start.column ? utf16(line, start.column) : first.column;
      const to = row === end.row && end.column ? utf16(line, end.column) : last.column;
      byRow.set(row, [...(byRow.get(row) ?? []), { from, to }]);
    }
  }
  return [...byRow].flatMap(([row, spans]) =>
    joinSpans(spans).map(({ from, to }) => ({
      start: { line: row, column: from },
      end: { line: row, column: to },
    })),
  );
}

function joinSpans(spans: { from: number; to: number }[]): { from: number; to: number }[] {
  const joined: { from: number; to: number }[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last !== undefined && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else joined.push({ ...span });
  }
  return joined;
}

/** A row without the blanks around it. */
function wholeRow(row: number, lines: string[]): Range {
  const line = lines[row - 1] ?? "";
  const start = line.length - line.trimStart().length;
  return { start: { line: row, column: start }, end: { line: row, column: line.trimEnd().length } };
}

/** From OPA's columns, which count code points from 1, to JavaScript's, which count UTF-16 units from 0. */
function utf16(line: string, column: number): number {
  return [...line].slice(0, column - 1).join("").length;
}
