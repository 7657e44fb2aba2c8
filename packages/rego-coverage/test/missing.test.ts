import { describe, expect, test } from "vitest";
import { formatMissing, missingCoverage } from "../src/missing.ts";

const rows = (start: number, end: number) => ({ start: { row: start }, end: { row: end } });
const span = (startRow: number, startCol: number, endRow: number, endCol: number) => ({
  start: { row: startRow, col: startCol },
  end: { row: endRow, col: endCol },
});
const missingOf = (file: object) => missingCoverage({ files: { "a.rego": file } }, ["a.rego"]);

describe("gaps", () => {
  test.each<[string, object, string[]]>([
    [
      "runs of rows, as OPA gives them to 1.17",
      { covered: [rows(1, 2)], not_covered: [rows(4, 6), rows(9, 9)] },
      ["a.rego:4-6", "a.rego:9"],
    ],
    [
      "ranges of adjacent rows, as OPA gives them from 1.18",
      { covered: [span(1, 1, 1, 6)], not_covered: [span(4, 1, 4, 6), span(5, 2, 5, 9)] },
      ["a.rego:4-5"],
    ],
    [
      "nested and overlapping ranges",
      {
        covered: [span(1, 1, 1, 6)],
        not_covered: [span(4, 1, 9, 2), span(5, 3, 5, 8), span(8, 1, 11, 2)],
      },
      ["a.rego:4-11"],
    ],
    [
      "a row in both lists",
      { covered: [span(3, 2, 6, 3)], not_covered: [span(4, 3, 4, 9)] },
      ["a.rego:4"],
    ],
    ["a file that is fully covered", { covered: [rows(1, 2)], coverage: 100 }, []],
    ["a module without rules", {}, []],
    ["a file of which nothing is covered", { not_covered: [rows(3, 4)] }, ["a.rego"]],
    [
      "ranges out of order",
      { covered: [rows(1, 1)], not_covered: [rows(100, 100), rows(20, 20), rows(3, 3)] },
      ["a.rego:3", "a.rego:20", "a.rego:100"],
    ],
  ])("%s", (_name, file, lines) => {
    expect(formatMissing(missingOf(file))).toEqual(lines);
  });

  test("columns are the outermost of the first and the last row", () => {
    expect(
      missingOf({
        covered: [span(1, 1, 1, 6)],
        not_covered: [span(4, 5, 4, 9), span(4, 2, 5, 3), span(5, 1, 5, 8)],
      }),
    ).toEqual([
      {
        file: "a.rego",
        untested: false,
        start: { row: 4, column: 2 },
        end: { row: 5, column: 8 },
      },
    ]);
  });

  test("without columns there are none", () => {
    expect(missingOf({ covered: [rows(1, 1)], not_covered: [rows(4, 5)] })).toEqual([
      { file: "a.rego", untested: false, start: { row: 4 }, end: { row: 5 } },
    ]);
  });

  test.each([
    { kinds: ["index_excluded"] },
    { kinds: ["index_excluded", "early_exit"] },
    { kind: "index_excluded" },
  ])("a reason, given as %j", (kinds) => {
    const [gap] = missingOf({
      covered: [span(1, 1, 1, 6)],
      not_covered: [span(4, 1, 4, 6), { ...span(5, 2, 5, 9), ...kinds }],
    });
    expect(gap).toMatchObject({ start: { row: 4 }, end: { row: 5 }, reason: "index_excluded" });
  });

  test("a reason we do not know is none", () => {
    const [gap] = missingOf({
      covered: [rows(1, 1)],
      not_covered: [{ ...rows(4, 4), kinds: ["short_circuit"] }],
    });
    expect(gap).not.toHaveProperty("reason");
  });
});

describe("files", () => {
  const report = (key: string) => ({
    files: { [key]: { covered: [rows(1, 1)], not_covered: [rows(3, 3)] } },
  });

  test.each([
    ["policies/a.rego", "policies/a.rego"],
    ["policies/a.rego", "./policies/a.rego"],
    ["./a.rego", "a.rego"],
    ["../x/a.rego", "../x/a.rego"],
    ["/srv/here/policies/a.rego", "policies/a.rego"],
    ["policies/a.rego", "/srv/here/policies/a.rego"],
    ["../here/policies/a.rego", "policies/a.rego"],
    ["link/a.rego", "link/a.rego"],
  ])("OPA's %s is the user's %s", (key, file) => {
    const missing = missingCoverage(report(key), [file], { cwd: "/srv/here" });
    expect(formatMissing(missing)).toEqual([`${file}:3`]);
  });

  test("one that no test loads is untested", () => {
    expect(missingCoverage(report("a.rego"), ["b.rego"])).toEqual([
      { file: "b.rego", untested: true },
    ]);
  });

  test("test files are left out, and what the user did not ask for", () => {
    const files = { "a_test.rego": { not_covered: [rows(3, 3)] }, "lib.rego": {} };
    expect(missingCoverage({ files }, ["a_test.rego"])).toEqual([]);
  });

  test("sorted by path, then by row", () => {
    const file = { covered: [rows(1, 1)], not_covered: [rows(12, 12), rows(9, 10)] };
    const missing = missingCoverage({ files: { "b.rego": file, "a.rego": file } }, [
      "b.rego",
      "c.rego",
      "a.rego",
    ]);
    const sorted = ["a.rego:9-10", "a.rego:12", "b.rego:9-10", "b.rego:12", "c.rego"];
    expect(formatMissing(missing)).toEqual(sorted);
    expect(formatMissing(missing.toReversed())).toEqual(sorted);
  });
});

test.each<[unknown, string]>([
  [[], "it has no `files`"],
  [null, "it has no `files`"],
  [{ coverage: 100 }, "it has no `files`"],
  [{ files: { "a.rego": { covered: [{}] } } }, "a.rego: a range without a start row"],
  [{ files: { "a.rego": { covered: 1 } } }, "a.rego: expected a list of ranges"],
])("%j is no report", (report, message) => {
  expect(() => missingCoverage(report, ["a.rego"])).toThrow(message);
});
