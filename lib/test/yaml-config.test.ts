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

test("a missing file is refused with the option that names it", async () => {
  using folder = makeFolder();
  const file = `${folder.path}/none.yaml`;
  await expect(readConfig(file, schema)).rejects.toThrow(
    `${file}: no such file; give its path with --config FILE`,
  );
});
