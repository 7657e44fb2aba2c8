import { expect, test } from "vitest";
import { findTests, isTestFile } from "../src/test-rules.ts";

const names = (source: string) => findTests(source).map(({ name }) => name);

test("tests are named and placed as OPA does it", () => {
  const source = `# test_not
package a["b-c"].d

import rego.v1

test_one if {
	x == "test_no"
	test_helper_call
}

  test_two := true
todo_test_three if false
deep.test_four if true
test_cases[note] if {
	some note in ["a"]
}
default test_five := true
test_one if true
`;
  expect(findTests(source)).toEqual([
    { name: 'data.a["b-c"].d.test_one', row: 6, todo: false },
    { name: 'data.a["b-c"].d.test_two', row: 11, todo: false },
    { name: 'data.a["b-c"].d.todo_test_three', row: 12, todo: true },
    { name: 'data.a["b-c"].d.deep.test_four', row: 13, todo: false },
    { name: 'data.a["b-c"].d.test_cases', row: 14, todo: false },
    { name: 'data.a["b-c"].d.test_five', row: 17, todo: false },
    { name: 'data.a["b-c"].d.test_one#01', row: 18, todo: false },
  ]);
});

test.each<[string, string]>([
  ["v0 syntax", "package a\ntest_x { true }"],
  ["v0 syntax with a value", "package a\ntest_x = true { true }"],
  ["CRLF", "package a\r\n\r\ntest_x if true\r\n"],
  ["a raw string over rows", "package a\nx := `\ntest_no {\n`\ntest_x if true"],
  ["a bracket in a string", 'package a\nx := "{"\ntest_x if true'],
  ["a template string", 'package a\nx := $"{f("}")} \\{"\ntest_x if true'],
  ["a comment with a bracket", "package a # {\n# (\ntest_x if true"],
])("%s", (_name, source) => {
  expect(names(source)).toEqual(["data.a.test_x"]);
});

test.each<[string, string]>([
  ["a call on the row after `if`", "package a\nx if\n  test_y"],
  ["an operand on a row of its own", "package a\nx := 1 +\n  test_y"],
  ["inside a body", "package a\nx if {\n  test_y\n}"],
  ["a name that only holds test_", "package a\nmy_test_x if true"],
])("no test: %s", (_name, source) => {
  expect(names(source)).toEqual([]);
});

test("a test file goes by its name, or by a test in it", () => {
  expect(isTestFile("a_test.rego", "package a")).toBe(true);
  expect(isTestFile("a.rego", "package a\ntodo_test_x if true")).toBe(true);
  expect(isTestFile("test.rego", "package a\nx if true")).toBe(false);
  expect(isTestFile("latest_test.rego.rego", "package a\n# test_x")).toBe(false);
});
