import { expect, test } from "vitest";
import { type NumberRange, parseNumber } from "../src/numbers.ts";

const port: NumberRange = { whole: true, from: 1, to: 65_535 };
const seconds: NumberRange = { what: "seconds", above: 0, to: 1000 };

test.each<[string, NumberRange, number]>([
  ["1", port, 1],
  ["65535", port, 65_535],
  ["0.5", seconds, 0.5],
  ["1000", seconds, 1000],
  ["0", {}, 0],
  ["9007199254740991", {}, Number.MAX_SAFE_INTEGER],
])("%j in %j", (text, range, expected) => {
  expect(parseNumber("--option", text, range)).toBe(expected);
});

test.each<[string, NumberRange, string]>([
  ["0", port, "a whole number from 1 to 65535"],
  ["65536", port, "a whole number from 1 to 65535"],
  ["80.0", port, "a whole number from 1 to 65535"],
  ["0", seconds, "seconds above 0, at most 1000"],
  ["1000.1", seconds, "seconds above 0, at most 1000"],
  ["0", { above: 0 }, "a number above 0"],
  ["9".repeat(400), {}, "a number from 0"],
  ...["", " ", " 1", "1e3", "0x10", "-1", "+1", "1.", ".5", "1_000", "Infinity", "NaN", "one"].map(
    (text): [string, NumberRange, string] => [text, {}, "a number from 0"],
  ),
])("%j is not in %j", (text, range, expected) => {
  expect(() => parseNumber("--option", text, range)).toThrow(
    `--option ${text}: expected ${expected}`,
  );
});

test("an option that was not given has no number", () => {
  expect(parseNumber("--option", undefined, {})).toBeUndefined();
});
