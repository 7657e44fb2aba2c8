import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { paintFor, plain } from "../src/colors.ts";
import { processIo } from "../src/io.ts";
import { formatTable } from "../src/table.ts";

const painted = "\u001b[31mno\u001b[39m";

describe("colours", () => {
  test.each([
    ["on a terminal", { isTTY: true }, {}, painted],
    ["off a terminal", {}, {}, "no"],
    ["with NO_COLOR", { isTTY: true }, { NO_COLOR: "1" }, "no"],
    ["with an empty NO_COLOR", { isTTY: true }, { NO_COLOR: "" }, painted],
    ["with FORCE_COLOR", {}, { FORCE_COLOR: "1" }, painted],
    ["with FORCE_COLOR=0", {}, { FORCE_COLOR: "0" }, "no"],
    ["with both", {}, { FORCE_COLOR: "1", NO_COLOR: "1" }, "no"],
  ])("%s", (_, stream, env, expected) => {
    expect(paintFor(stream, env)("red", "no")).toBe(expected);
  });
});

describe("a table", () => {
  test("aligns its columns and ends its lines without blanks", () => {
    expect(formatTable([["a", "bbb", "c"], ["aaaa", "b"], []])).toEqual([
      "a     bbb  c",
      "aaaa  b",
      "",
    ]);
  });

  test("does not count what a terminal does not show", () => {
    const [red = "", second = ""] = formatTable([
      [painted, "x"],
      ["four", "x"],
    ]);
    expect(stripVTControlCharacters(red)).toBe("no    x");
    expect(second).toBe("four  x");
  });
});

test("plain leaves texts as they are", () => {
  expect(plain("red", "no")).toBe("no");
});

test("the process's own streams are what a bin writes to", () => {
  const { stdout, stderr, stdin, env } = process;
  expect(processIo()).toEqual({ stdout, stderr, stdin, env });
});
