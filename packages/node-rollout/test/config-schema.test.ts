import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { configJsonSchema } from "../src/config-json-schema.ts";

test("the shipped schema is the configuration's", () => {
  const shipped = readFileSync(new URL("../config.schema.json", import.meta.url), "utf8");
  expect(JSON.parse(shipped)).toEqual(configJsonSchema());
});
