import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { evaluate, toldValues } from "./values.ts";

const packages = fileURLToPath(new URL("../../packages/", import.meta.url));

test("a told value is a literal behind an expression", () => {
  const readme =
    'a\n\n```ts\nf({ a: 1 }); // { b: [2] }\ng(); // Date[]\nconst x = h();\nh("x"); // "y"\n```\n';
  expect(toldValues(readme)).toEqual([
    { line: 4, expression: "f({ a: 1 })", value: { b: [2] } },
    { line: 7, expression: 'h("x")', value: "y" },
  ]);
});

const told = readdirSync(packages).flatMap((name) =>
  toldValues(readFileSync(`${packages}${name}/README.md`, "utf8")).map((each) => ({
    name,
    ...each,
  })),
);

test.each(told)("$name/README.md:$line: $expression", async ({ name, expression, value }) => {
  const api = await import(`../../packages/${name}/src/index.ts`);
  expect(evaluate(expression, { ...api })).toEqual(value);
});
