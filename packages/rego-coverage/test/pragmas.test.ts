import { expect, test } from "vitest";
import { findPragmas } from "../src/pragmas.ts";

const rows = (source: string) =>
  findPragmas("a.rego", source).map(({ start, end, reason }) => [start, end, reason]);

test.each<[string, string, [number, number, string][]]>([
  ["at the end of a row", "package a\nx := 1 # rego-coverage ignore: old", [[2, 2, "old"]]],
  [
    "above a rule, with its else",
    "package a\n# rego-coverage ignore: old\n# more\nx := 1 if {\n\ty\n} else := 2 if {\n\tz\n}\n\nw := 1",
    [[4, 8, "old"]],
  ],
  [
    "above an expression",
    "package a\nx if {\n\t# rego-coverage ignore: old\n\tf({\n\t\t1,\n\t})\n\tz\n}",
    [[4, 6, "old"]],
  ],
  [
    "above the last expression",
    "package a\nx if {\n\t# rego-coverage ignore: old\n\ty\n}",
    [[4, 4, "old"]],
  ],
  [
    "for the file",
    "# rego-coverage ignore-file: generated\npackage a\nx := 1",
    [[1, 3, "generated"]],
  ],
  ["in a string", 'package a\nx := "# rego-coverage ignore: no"', []],
])("%s", (_name, source, expected) => {
  expect(rows(source)).toEqual(expected);
});

test.each([
  ["package a\nx := 1 # rego-coverage ignore", "a.rego:2: the pragma gives no reason"],
  ["package a\n# rego-coverage ignore:\nx := 1", "a.rego:2: the pragma gives no reason"],
  ["package a\n# rego-coverage skip: x\n", 'a.rego:2: no such pragma: "skip"; known are ignore,'],
])("refused: %j", (source, message) => {
  expect(() => findPragmas("a.rego", source)).toThrow(message);
});
