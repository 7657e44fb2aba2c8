import { readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CliOptions, type CliResult, runCli } from "@internal/test/cli";
import { component } from "@internal/test/components";
import { makeFolder } from "@internal/test/folder";
import { beforeAll, describe, expect, test } from "vitest";
import type { CoverageReport } from "../src/coverage-report.ts";

const policy = `package a

default allow := false

allow if {
	input.user == "admin"
	input.verb == "get"
}

allow if input.user == "root"
`;
const goodTest = `package a_test

import data.a

test_admin if a.allow with input as {"user": "admin", "verb": "get"}
`;
const fullTest = `${goodTest}
test_root if a.allow with input as {"user": "root"}

test_nobody if not a.allow with input as {}
`;

describe.each(["opa", "opa-row-schema"] as const)("with %s", (name) => {
  let opa: string;
  beforeAll(async () => {
    opa = await component(name);
  }, 600_000);

  const run = (path: string, args: string[] = [], options: CliOptions = {}): Promise<CliResult> =>
    runCli("rego-coverage", ["--opa", opa, ...args], { cwd: path, ...options });
  const json = async (path: string, args: string[] = []): Promise<CoverageReport> =>
    JSON.parse((await run(path, [...args, "--format", "json"])).stdout);

  test("covered policies: exit code 0", async () => {
    using folder = makeFolder({ "policies/a.rego": policy, "policies/a_test.rego": fullTest });
    const { code, stdout, stderr } = await run(folder.path);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatchInlineSnapshot(`
      "policy           covered  lines  not covered
      policies/a.rego  100 %    5/5
      all policies     100 %    5/5

      tests: 3 passed
      "
    `);
  });

  test("gaps: exit code 1, the last lines are exactly the gaps", async () => {
    using folder = makeFolder({
      "policies/a.rego": policy,
      "policies/a_test.rego": goodTest,
      "policies/b.rego": "package b\n\nx := 1\n",
      "policies/empty.rego": "# nothing to cover\npackage empty\n",
    });
    const { code, stdout } = await run(folder.path);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /\nMissing coverage:\npolicies\/a\.rego:3\npolicies\/a\.rego:10\npolicies\/b\.rego\n$/,
    );
  });

  test("every failing test, with its place and its output, and the coverage", async () => {
    using folder = makeFolder({
      "policies/a.rego": `${policy}\nlater if input.later\n`,
      "policies/a_test.rego": `${fullTest}
test_wrong if {
	print("nobody is", input)
	a.allow with input as {}
}

test_cases[note] if {
	some note, user in {"root": "root", "guest": "guest"}
	a.allow with input as {"user": user}
}

todo_test_later if false
`,
    });
    const { code, stdout } = await run(folder.path);
    expect(code).toBe(1);
    expect(stdout).toContain(
      "FAIL data.a_test.test_wrong (policies/a_test.rego:11)\n    nobody is",
    );
    expect(stdout).toContain(
      "FAIL data.a_test.test_cases (policies/a_test.rego:16)\n    case guest failed\n",
    );
    expect(stdout).toContain("SKIPPED data.a_test.todo_test_later (policies/a_test.rego:21)\n");
    expect(stdout).toContain("tests: 3 passed, 2 failed, 1 skipped\n");
    expect(stdout).toMatch(/\nMissing coverage:\npolicies\/a\.rego:12\n$/);
  });

  test("skipped tests do not fail, and do not hide the coverage", async () => {
    using folder = makeFolder({
      "policies/a.rego": policy,
      "policies/a_test.rego": `${fullTest}\ntodo_test_later if false\n`,
    });
    const { code, stdout } = await run(folder.path);
    expect(stdout).toContain("all policies     100 %");
    expect(stdout).toContain("tests: 3 passed, 1 skipped");
    expect(code).toBe(0);
  });

  test("a runtime error in a test", async () => {
    using folder = makeFolder({
      "policies/a.rego": "package a\n\nx := 1 if input.a\n\nx := 2 if input.b\n",
      "policies/a_test.rego":
        'package a_test\n\nimport data.a\n\ntest_x if a.x with input as {"a": true, "b": true}\n',
    });
    const { code, stdout } = await run(folder.path);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^ERROR data\.a_test\.test_x \(policies\/a_test\.rego:5\)\n {4}policies\/a\.rego:\d: eval_conflict_error: /,
    );
  });

  test("no tests at all is a failure that says so", async () => {
    using folder = makeFolder({ "policies/a.rego": policy });
    const { code, stdout } = await run(folder.path, ["--threshold", "0"]);
    expect(code).toBe(1);
    expect(stdout).toContain("no tests were run");
    expect(stdout).toMatch(/\nMissing coverage:\npolicies\/a\.rego\n$/);
  });

  test.each([
    ["a parse error", "package a\n\nallow if {\n", "rego_parse_error"],
    ["a compile error", "package a\n\nallow if x\n", "var x is unsafe"],
  ])("%s: OPA's message and exit code 2", async (_name, broken, message) => {
    using folder = makeFolder({ "policies/a.rego": broken, "policies/a_test.rego": goodTest });
    const { code, stdout, stderr } = await run(folder.path);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("policies/a.rego:");
    expect(stderr).toContain(message);
  });

  test("the json report is the contract", async () => {
    using folder = makeFolder({
      "policies/a.rego": policy,
      "policies/a_test.rego": goodTest,
      "policies/b.rego": "package b\n\nx := 1\n",
    });
    const { engine, tests, files, missing, summary, ...rest } = await json(folder.path);
    expect(rest).toEqual({});
    expect(engine).toEqual({ name: "opa", version: expect.stringMatching(/^1\.\d+\.\d+$/) });
    expect(tests).toEqual([
      { name: "data.a_test.test_admin", file: "policies/a_test.rego", row: 5, result: "pass" },
    ]);
    expect(files).toEqual([
      { file: "policies/a.rego", coverable: 5, covered: 3, percent: 60, untested: false },
      { file: "policies/b.rego", coverable: 1, covered: 0, percent: 0, untested: true },
    ]);
    expect(missing).toMatchObject([
      { file: "policies/a.rego", untested: false, start: { row: 3 }, end: { row: 3 } },
      { file: "policies/a.rego", untested: false, start: { row: 10 }, end: { row: 10 } },
      { file: "policies/b.rego", untested: true },
    ]);
    expect(summary).toEqual({ coverable: 6, covered: 3, percent: 50 });
  });

  test.each([
    [["--threshold", "60"], 0],
    [["--threshold", "60.5"], 1],
    [["--threshold", "60", "--per-file"], 1],
    [["--threshold", "50", "--per-file"], 0],
  ])("%j exits %i", async (args, expected) => {
    using folder = makeFolder({
      "policies/a.rego": policy,
      "policies/a_test.rego": goodTest,
      "policies/c.rego": "package c\n\nx := 1 if {\n\tinput.x\n}\n\ny := 2 if {\n\tinput.y\n}\n",
      "policies/c_test.rego":
        'package c_test\n\nimport data.c\n\ntest_x if c.x == 1 with input as {"x": 1}\n',
      "policies/d.rego": "package d\n\nx := 1\n",
      "policies/d_test.rego": "package d_test\n\nimport data.d\n\ntest_x if d.x == 1\n",
    });
    const { code, stdout } = await run(folder.path, args);
    expect(stdout).toContain("all policies     60 %");
    expect(code).toBe(expected);
  });

  test.each(["policies", "./policies", "policies/", "../here/policies", "link"])(
    "the path %s",
    async (path) => {
      using folder = makeFolder({
        "here/policies/a.rego": policy,
        "here/policies/a_test.rego": goodTest,
      });
      symlinkSync("policies", join(folder.path, "here/link"));
      const { stdout } = await run(join(folder.path, "here"), [path]);
      const shown = path.replace(/^\.\/|\/$/, "");
      expect(stdout).toContain(`\nMissing coverage:\n${shown}/a.rego:3\n${shown}/a.rego:10\n`);
    },
  );

  test("absolute paths, and files as paths", async () => {
    using folder = makeFolder({ "a.rego": policy, "a_test.rego": goodTest });
    const absolute = await run(tmpdir(), [folder.path]);
    expect(absolute.stdout).toContain(`\nMissing coverage:\n${folder.path}/a.rego:3\n`);
    const files = await run(folder.path, ["./a.rego", "./a_test.rego"]);
    expect(files.stdout).toContain("\nMissing coverage:\n./a.rego:3\n./a.rego:10\n");
  });

  test("--each runs folders that reuse a package on their own, linked ones too", async () => {
    const files = (at: string, user: string) => ({
      [`${at}/a.rego`]: `package a\n\nx := "${user}"\n`,
      [`${at}/a_test.rego`]: `package a_test\n\nimport data.a\n\ntest_x if a.x == "${user}"\n`,
    });
    using folder = makeFolder({ ...files("policies/one", "one"), ...files("elsewhere", "two") });
    symlinkSync("../elsewhere", join(folder.path, "policies/two"));
    const together = await run(folder.path);
    expect(together.stdout).toContain("eval_conflict_error");
    expect(together.code).toBe(1);
    const { code, stdout } = await run(folder.path, ["--each"]);
    expect(stdout).toContain("tests: 2 passed");
    expect(code).toBe(0);
  });

  test("--ignore, data files, hidden folders, v0 syntax", async () => {
    using folder = makeFolder({
      "policies/a.rego": "package a\n\nx { data.roles.root }\n",
      "policies/a_test.rego": "package a_test\n\nimport data.a\n\ntest_x { a.x }\n",
      "policies/roles.json": '{"roles": {"root": true}}',
      "policies/manifest.yaml": "kind: A\n---\nkind: B\n",
      "policies/README.md": "# Read me\n",
      "policies/.hidden/b.rego": "package b\n\nx = 1\n",
    });
    const args = ["--v0-compatible", "--ignore", "*.yaml"];
    const hidden = await run(folder.path, args);
    expect(hidden.stdout).toMatch(/\nMissing coverage:\npolicies\/\.hidden\/b\.rego\n$/);
    const { code } = await run(folder.path, [...args, "--ignore", ".*"]);
    expect(code).toBe(0);
  });
});

describe("a command that gives no coverage", () => {
  const noCoverage = async (path: string, name: string) => {
    const script = `#!/bin/sh\ncase "$*" in *--coverage*) exit 1 ;; esac\nexec ${await component("opa")} "$@"\n`;
    writeFileSync(join(path, name), script, { mode: 0o755 });
    return runCli("rego-coverage", ["--opa", `./${name}`], { cwd: path });
  };

  test("while a test fails: it is unknown", async () => {
    using folder = makeFolder({
      "policies/a.rego": policy,
      "policies/a_test.rego": `${goodTest}\ntest_wrong if a.allow with input as {}\n`,
    });
    const { code, stdout } = await noCoverage(folder.path, "some-opa");
    expect(stdout).toContain("coverage: unknown, OPA gave none\n1 test failed\n");
    expect(code).toBe(1);
  });

  test("while all pass: nobody may take that for full coverage", async () => {
    using folder = makeFolder({ "policies/a.rego": policy, "policies/a_test.rego": goodTest });
    const { code, stdout, stderr } = await noCoverage(folder.path, "some-opa");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("./some-opa test --coverage gives no coverage");
  });
});

describe("a command that sees other files than we do, as one in a container", () => {
  const failing = `${goodTest}\ntest_wrong if a.allow with input as {}\n`;
  /** Only what is below the working directory is there for it. */
  const boxed = async (path: string, args: string[], script = "") => {
    const text = `#!/bin/sh
${script}
for arg do case $arg in $PWD|$PWD/*) ;; /*) echo "stat $arg: no such file or directory" >&2; exit 1 ;; esac; done
exec ${await component("opa")} "$@"
`;
    writeFileSync(join(path, "../boxed"), text, { mode: 0o755 });
    return runCli("rego-coverage", ["--opa", "../boxed", ...args], { cwd: path });
  };

  test.each([["policies"], ["."], ["absolute"]])(
    "the coverage of failing tests, of %s",
    async (path) => {
      using folder = makeFolder({
        "here/policies/a.rego": policy,
        "here/policies/a_test.rego": failing,
      });
      const cwd = join(folder.path, "here");
      const { code, stdout } = await boxed(cwd, [path === "absolute" ? cwd : path]);
      expect(stdout).toContain("tests: 1 passed, 1 failed\n1 test failed\n");
      expect(stdout).toMatch(/\nMissing coverage:\n\S*policies\/a\.rego:10\n$/);
      expect(code).toBe(1);
      expect(readdirSync(cwd)).toEqual(["policies"]);
    },
  );

  test("a report of files that are not here is none", async () => {
    using folder = makeFolder({
      "here/policies/a.rego": policy,
      "here/policies/a_test.rego": goodTest,
      "elsewhere/b.rego": "package b\n\nx := 1\n",
      "elsewhere/b_test.rego": "package b_test\n\nimport data.b\n\ntest_x if b.x == 1\n",
    });
    const elsewhere = `[ "$1" = version ] || { cd ../elsewhere; set -- test --coverage .; }`;
    const { code, stdout, stderr } = await boxed(join(folder.path, "here"), [], elsewhere);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(
      "rego-coverage: the report names b.rego, which is not here; --opa must see the policies at the paths that they have here\n",
    );
  });
});

test("a function that is named like a test: OPA's own words, all of them", async () => {
  using folder = makeFolder({
    "policies/a.rego": policy,
    "policies/a_test.rego": "package a_test\n\ntest_f(x) if x == 1\n",
  });
  const opa = await component("opa");
  const { code, stdout } = await runCli("rego-coverage", ["--opa", opa], { cwd: folder.path });
  expect(code).toBe(1);
  expect(stdout).toContain("ERROR");
  expect(stdout).toMatch(/rego_\w+: .*test_f/);
  expect(stdout).not.toContain("unknown error");
});

describe("bad input: one sentence and exit code 2", () => {
  test.each<[string, string[], string]>([
    ["a path that is not there", ["nowhere"], "nowhere: no such file or folder; give the folder"],
    ["a folder without policies", ["none"], "none: no Rego files; give the folder"],
    [
      "a command that is not there",
      ["--opa", "no-such-opa x"],
      "no-such-opa: no such command; --opa",
    ],
    [
      "a command that is no OPA, and says nothing",
      ["--opa", "/bin/true"],
      "/bin/true test said nothing; --opa takes the command line of an OPA",
    ],
    ["a threshold out of range", ["--threshold", "101"], "--threshold 101: expected a percentage"],
    ["a format that is not known", ["--format", "xml"], "--format xml: no such format"],
    ["an option that is not known", ["--bundle"], "Unknown option '--bundle'"],
  ])("%s", async (_name, args, message) => {
    using folder = makeFolder({ "none/README.md": "", "policies/a.rego": policy });
    const opa = await component("opa");
    const options = { cwd: folder.path, env: { OPA: opa } };
    const { code, stdout, stderr } = await runCli("rego-coverage", args, options);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`rego-coverage: ${message}`);
  });
});
