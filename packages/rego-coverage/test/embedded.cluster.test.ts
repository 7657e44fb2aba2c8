import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCli } from "@internal/test/cli";
import { component } from "@internal/test/components";
import { makeFolder } from "@internal/test/folder";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CoverageReport } from "../src/coverage-report.ts";
import { embeddedEngine } from "../src/engine/embedded.ts";
import type { SuiteRun } from "../src/engine/engine.ts";
import { nativeEngine } from "../src/engine/native.ts";
import { byText } from "../src/missing.ts";
import { corpus, corpusFolder } from "./corpus.ts";

const packageFolder = fileURLToPath(new URL("..", import.meta.url));

beforeAll(() => {
  execFileSync(process.execPath, ["scripts/build-engine.ts"], { cwd: packageFolder });
}, 600_000);

/** Without an OPA on the PATH the embedded engine runs. */
async function embedded(cwd: string, args: string[]): Promise<CoverageReport> {
  const env = { PATH: "/nowhere", XDG_CACHE_HOME: join(cwd, ".cache") };
  const result = await runCli("rego-coverage", [...args, "--format", "json"], { cwd, env });
  expect(result.stderr).toBe("");
  return JSON.parse(result.stdout);
}

async function native(cwd: string, args: string[]): Promise<CoverageReport> {
  const all = ["--opa", await component("opa"), ...args, "--format", "json"];
  return JSON.parse((await runCli("rego-coverage", all, { cwd })).stdout);
}

describe("the embedded engine gives what OPA of its version gives", () => {
  const suites: Record<string, Record<string, string>> = {
    "data files, cases, prints, skipped tests": {
      "policies/a.rego":
        "package a\n\ndefault allow := false\n\nallow if input.user in data.admins\n\nallow if {\n\tevery x in input.xs {\n\t\tx > 1\n\t\tx < 9\n\t}\n\tprint(input)\n\tinput.late\n}\n",
      "policies/admins.json": '{"admins": ["root"]}',
      "policies/a_test.rego":
        'package a_test\n\nimport data.a\n\ntest_root if a.allow with input as {"user": "root"}\n\ntest_cases[u] if {\n\tsome u in ["root"]\n\ta.allow with input as {"user": u}\n}\n\ntodo_test_later if false\n',
    },
    "time zones, regular expressions, crypto": {
      "policies/a.rego":
        'package a\n\nhour := time.clock([0, "Europe/Zurich"])[0]\n\nnamed if regex.match(`^[a-z]+$`, input.name)\n\nhash := crypto.sha256("a")\n',
      "policies/a_test.rego":
        'package a_test\n\nimport data.a\n\ntest_hour if a.hour == 1\n\ntest_named if a.named with input as {"name": "abc"}\n\ntest_hash if startswith(a.hash, "ca97")\n',
    },
  };

  test.each(Object.entries(suites))("%s", async (_name, files) => {
    using folder = makeFolder(files);
    const [inside, outside] = await Promise.all([
      embedded(folder.path, ["--contexts"]),
      native(folder.path, ["--contexts"]),
    ]);
    expect(inside.engine).toEqual({ ...outside.engine, name: "embedded" });
    expect({ ...inside, engine: null }).toEqual({ ...outside, engine: null });
    expect(inside.tests.length).toBeGreaterThan(2);
  });

  test.each([[], ["--each"]])("names to ignore, with a comma between two: %j", async (...each) => {
    using folder = makeFolder({
      "policies/a/a.rego": "package a\n\nx := 1\n",
      "policies/a/a_test.rego": "package a_test\n\nimport data.a\n\ntest_x if a.x == 1\n",
      "policies/made/b.rego": "package b\n\nx := 1\n",
      "policies/old/c.rego": "package c\n\nx := 1\n",
      "policies/more/d.rego": "package d\n\nx := 1\n",
    });
    const args = ["--ignore", "made,old", "--ignore", "m?re", ...each];
    for (const { files } of [await embedded(folder.path, args), await native(folder.path, args)]) {
      expect(files.map(({ file }) => file)).toEqual(["policies/a/a.rego"]);
    }
  });

  test("our own examples", async () => {
    const cwd = join(packageFolder, "examples");
    const args = readdirSync(cwd).filter((name) => name === "policies");
    const [inside, outside] = await Promise.all([
      native(cwd, args),
      runCli("rego-coverage", [...args, "--format", "json"], { cwd, env: { PATH: "/nowhere" } }),
    ]);
    expect({ ...JSON.parse(outside.stdout), engine: null }).toEqual({ ...inside, engine: null });
  });

  test("it gives the coverage when tests fail, too", async () => {
    using folder = makeFolder({
      "policies/a.rego": "package a\n\nx := 1\n\ny := 2\n",
      "policies/a_test.rego":
        "package a_test\n\nimport data.a\n\ntest_x if a.x == 1\n\ntest_y if a.x == 2\n",
    });
    const report = await embedded(folder.path, []);
    expect(report.tests.map(({ result }) => result)).toEqual(["pass", "fail"]);
    expect(report.missing).toMatchObject([{ file: "policies/a.rego", start: { row: 5 } }]);
  });

  test("OPA's message when the policies cannot be loaded", async () => {
    using folder = makeFolder({ "policies/a.rego": "package a\n\nx if {\n" });
    const env = { PATH: "/nowhere" };
    const inside = await runCli("rego-coverage", [], { cwd: folder.path, env });
    const opa = await component("opa");
    const outside = await runCli("rego-coverage", ["--opa", opa], { cwd: folder.path });
    expect(inside).toEqual(outside);
    expect(inside.code).toBe(2);
  });
});

describe("each mutation operator: tests that notice, and tests that do not", () => {
  const policy = (body: string) => `package a\n\n${body}\n`;
  const tests = (...bodies: string[]) =>
    `package a_test\n\nimport data.a\n\n${bodies.map((body, index) => `test_${index} if ${body}`).join("\n\n")}\n`;

  test.each<[string, string, string[], string[]]>([
    [
      "swap comparison",
      "x if input.n > 3",
      ["a.x with input.n as 4", "not a.x with input.n as 2"],
      ["is_boolean(true) with input.n as 4", "{a.x | a.x} != {2} with input.n as 4"],
    ],
    [
      "delete expression",
      "x if {\n\tinput.a\n\tinput.b\n}",
      [
        'a.x with input as {"a": true, "b": true}',
        'not a.x with input as {"a": false, "b": true}',
        'not a.x with input as {"a": true, "b": false}',
      ],
      ['a.x with input as {"a": true, "b": true}'],
    ],
    [
      "negate",
      "x if not input.off",
      ["a.x with input as {}", "not a.x with input.off as true"],
      ["{a.x | a.x} != {2} with input as {}"],
    ],
    [
      "flip head",
      "x := true if input.a",
      ["a.x == true with input.a as true"],
      ["a.x in {true, false} with input.a as true"],
    ],
    [
      "change constant",
      "x := input.n + 1",
      ["a.x == 3 with input.n as 2"],
      ["a.x > 2 with input.n as 2"],
    ],
    ["default value", "default x := false", ["a.x == false"], ["a.x in {true, false}"]],
    [
      "every to some",
      "x if every n in input.ns {\n\tn > 1\n}",
      ["a.x with input.ns as [2, 3]", "not a.x with input.ns as [1, 2]"],
      ["a.x with input.ns as [2, 3]"],
    ],
    [
      "some to every",
      "x if {\n\tsome n in input.ns\n\tn > 1\n}",
      ["a.x with input.ns as [1, 2]", "not a.x with input.ns as [1]"],
      ["a.x with input.ns as [2, 3]"],
    ],
    [
      "delete rule",
      "x contains 1 if input.a\n\nx contains 2 if input.b",
      ["a.x == {1} with input.a as true", "a.x == {2} with input.b as true"],
      ["count(a.x) < 2 with input.a as true"],
    ],
  ])("%s", async (operator, body, noticing, blind) => {
    const survivors = async (bodies: string[]) => {
      using folder = makeFolder({
        "policies/a.rego": policy(body),
        "policies/a_test.rego": tests(...bodies),
      });
      const { mutation, tests: ran } = await embedded(folder.path, ["--mutate"]);
      expect(ran.map(({ result }) => result)).toEqual(bodies.map(() => "pass"));
      return mutation?.survivors.map((survivor) => survivor.operator);
    };
    expect(await survivors(noticing)).not.toContain(operator);
    expect(await survivors(blind)).toContain(operator);
  });
});

test("--mutate: survivors, the score, acceptance, the threshold, the cache", async () => {
  using folder = makeFolder({
    "policies/a.rego":
      "package a\n\nx if {\n\tinput.n > 3\n\tinput.kind # rego-coverage accept-mutants: always given\n}\n",
    "policies/a_test.rego":
      'package a_test\n\nimport data.a\n\ntest_x if a.x with input as {"n": 5, "kind": true}\n',
  });
  const env = { PATH: "/nowhere", XDG_CACHE_HOME: join(folder.path, ".cache") };
  const run = (...args: string[]) =>
    runCli("rego-coverage", ["--mutate", ...args], { cwd: folder.path, env });
  const { code, stdout } = await run();
  expect(stdout).toContain("\npolicies/a.rego:4:2 input.n > 3 → true\n");
  expect(stdout).toContain("accepted policies/a.rego:5:2 input.kind → true: always given\n");
  expect(code).toBe(0);
  expect((await run()).stdout).toBe(stdout);
  const below = await run("--mutate-threshold", "90");
  expect(below.stdout).toMatch(/the mutation score is [\d.]+ %, below 90 %/);
  expect(below.code).toBe(1);
});

test("a failure beside the tests ends the engine too", async () => {
  using folder = makeFolder({ "policies/a.rego": "package a\n\nfoo := 1\n" });
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
  const args = ["--changed", "HEAD"];
  const { code, stderr } = await runCli("rego-coverage", args, { cwd: folder.path, env });
  expect(stderr).toMatch(/^rego-coverage: --changed HEAD: git: not a git repository/);
  expect(code).toBe(2);
});

describe("one engine for the whole corpus", () => {
  const inside = embeddedEngine(corpusFolder);
  afterAll(() => inside.close());

  test.each(corpus)("$name: as OPA of its version", async ({ name, v0Compatible, ignore }) => {
    const suite = { paths: [`${name}/policies`], cwd: corpusFolder, v0Compatible, ignore };
    const outside = nativeEngine([await component("opa")], corpusFolder);
    const expected = inOrder(await outside.run({ ...suite, contexts: true }));
    // The tests one by one, then all together: two ways to the same.
    expect(inOrder(await inside.run({ ...suite, contexts: true }))).toEqual(expected);
    const { contexts: _, ...together } = expected;
    expect(inOrder(await inside.run({ ...suite, contexts: false }))).toEqual(together);
  });
});

/** Tests end in any order; of each one's own coverage only what it covers counts. */
function inOrder({ tests, coverage, contexts }: SuiteRun) {
  const covered = [...(contexts ?? [])].map(
    ([name, files]) =>
      [
        name,
        [...files].flatMap(([file, ranges]) => ranges.covered.map((range) => ({ file, range }))),
      ] as const,
  );
  return {
    tests: tests.toSorted((a, b) => byText(a.name, b.name)),
    coverage,
    ...(contexts === undefined ? {} : { contexts: new Map(covered) }),
  };
}
