import { expect, test } from "vitest";
import { z } from "zod";
import { makeFolder } from "../../test/folder.ts";
import { ConfigError, parseConfig, readConfig } from "../src/yaml-config.ts";

const schema = z.object({
  users: z.array(z.object({ name: z.string(), cron: z.string() })),
});

test("gives the value and the place of each of its fields", () => {
  const text = "# who\nusers:\n  - name: Ada\n    cron: 0 9 * * *\n";
  const { value, placeOf } = parseConfig(text, "a.yaml", schema);
  expect(value).toEqual({ users: [{ name: "Ada", cron: "0 9 * * *" }] });
  expect(placeOf(["users", 0, "cron"])).toEqual({ file: "a.yaml", line: 4, column: 5 });
  expect(placeOf(["users", 0, "absent"])).toEqual({ file: "a.yaml", line: 3, column: 5 });
});

test("names file, line, column and field of every mistake", () => {
  const text = "users:\n  - name: 7\n    cron: x\n  - name: Bo\n";
  const parse = () => parseConfig(text, "a.yaml", schema);
  expect(parse).toThrow(ConfigError);
  expect(parse).toThrow(/^a\.yaml:2:5: users\.0\.name: .*\na\.yaml:4:5: users\.1\.cron: /);
});

test("a text that is no YAML is refused where it breaks", () => {
  expect(() => parseConfig("users: [\n", "a.yaml", schema)).toThrow(/^a\.yaml:\d+:\d+: no valid/);
});

test.each([
  ["an alias without its anchor", "users: *all\n", /^a\.yaml:1:8: no valid YAML: Unresolved alias/],
  ["aliases of aliases", bomb(), /^a\.yaml:1:1: no valid YAML: Excessive alias/],
  ["lists of lists of lists", "- ".repeat(9_000), /^a\.yaml:1:\d+: no valid YAML: nested too/],
  ["a key of two lines", 'users: []\n"a\\nb": 1\n', /^a\.yaml:1:1: Unrecognized key: "a\\u000ab"$/],
])("%s is refused in one sentence", (_, text, message) => {
  const parse = () => parseConfig(text, "a.yaml", schema.strict());
  expect(parse).toThrow(ConfigError);
  expect(parse).toThrow(message);
});

/** Nine lists of nine, each of the one before. */
function bomb(): string {
  const level = (at: number) => `a${at}: &a${at} [${`*a${at - 1},`.repeat(9)}]`;
  return ["a0: &a0 [x]", ...Array.from({ length: 8 }, (_, at) => level(at + 1))].join("\n");
}

test("a missing file is refused with the option that names it", async () => {
  using folder = makeFolder();
  const file = `${folder.path}/none.yaml`;
  await expect(readConfig(file, schema)).rejects.toThrow(
    `${file}: no such file; give its path with --config FILE`,
  );
});
