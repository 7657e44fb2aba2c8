import { expect, test } from "vitest";
import { mergeRuns } from "../src/merge-runs.ts";

const rows = (start: number, end: number) => ({ start: { row: start }, end: { row: end } });

test("rows that no run covers stay not covered, however each run cuts them", () => {
  const alone = { covered: [], notCovered: [rows(3, 5), rows(8, 8)] };
  const together = { covered: [rows(3, 4)], notCovered: [rows(5, 5), rows(8, 8)] };
  const run = (ranges: typeof alone | typeof together) => ({
    tests: [],
    coverage: new Map([["a.rego", ranges]]),
  });
  const merged = mergeRuns([run(alone), run(together)]).coverage?.get("a.rego");
  expect(merged?.notCovered).toEqual([rows(5, 5), rows(8, 8)]);
});
