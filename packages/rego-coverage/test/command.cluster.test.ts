import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runCli } from "@internal/test/cli";
import { component } from "@internal/test/components";
import { makeFolder } from "@internal/test/folder";
import { beforeAll, describe, expect, test } from "vitest";

const customOpa = fileURLToPath(new URL("custom-opa", import.meta.url));

describe("an OPA with built-in functions of its own", () => {
  // As the components are built, so that Go has most of it compiled already.
  const env = { GOTOOLCHAIN: "auto", CGO_ENABLED: "0", GOFLAGS: "-trimpath", GOWORK: "off" };

  beforeAll(async () => {
    const go = ["run", "./cmd/opa", "version"];
    await promisify(execFile)("go", go, { cwd: customOpa, env: { ...process.env, ...env } });
  }, 900_000);

  test('--opa "go run ./cmd/opa"', async () => {
    const args = ["--opa", "go run ./cmd/opa", "--format", "json"];
    const { code, stdout } = await runCli("rego-coverage", args, { cwd: customOpa, env });
    expect(JSON.parse(stdout)).toMatchObject({
      engine: { name: "command", version: "1.22.2" },
      tests: [{ result: "pass" }, { result: "pass" }],
      summary: { coverable: 3, covered: 3 },
    });
    expect(code).toBe(0);
  });

  test("in $OPA; failing tests and the coverage", async () => {
    using folder = makeFolder({
      "policies/a.rego":
        'package a\n\nown if image.registry(input.image) == "registry.example"\n\nother if input.other\n',
      "policies/a_test.rego":
        'package a_test\n\nimport data.a\n\ntest_own if a.own with input.image as "b/c"\n',
    });
    const options = { cwd: customOpa, env: { ...env, OPA: "go run ./cmd/opa" } };
    const policies = join(folder.path, "policies");
    const { code, stdout } = await runCli("rego-coverage", [policies], options);
    expect(stdout).toContain(`FAIL data.a_test.test_own (${policies}/a_test.rego:5)\n`);
    expect(stdout).toMatch(
      new RegExp(`\nMissing coverage:\n${policies}/a\\.rego:3\n${policies}/a\\.rego:5\n$`),
    );
    expect(code).toBe(1);
  });

  test("without it the function is not known, in OPA's words", async () => {
    const opa = await component("opa");
    const result = await runCli("rego-coverage", ["--opa", opa], { cwd: customOpa });
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain("rego_type_error: undefined function image.registry");
  });

  test("with policies in v0 syntax", async () => {
    using folder = makeFolder({
      "policies/a.rego":
        'package a\n\nown { image.registry(input.image) == "r" }\n\nother { input.x }\n',
      "policies/a_test.rego":
        'package a_test\n\nimport data.a\n\ntest_own { a.own with input.image as "r/a" }\n\ntest_no { a.own with input.image as "x" }\n',
    });
    const policies = join(folder.path, "policies");
    const args = ["--opa", "go run ./cmd/opa", "--v0-compatible", policies];
    const { code, stdout } = await runCli("rego-coverage", args, { cwd: customOpa, env });
    expect(stdout).toContain("tests: 1 passed, 1 failed\n");
    expect(stdout).toMatch(new RegExp(`\nMissing coverage:\n${policies}/a\\.rego:5\n$`));
    expect(code).toBe(1);
  });

  describe("behind a command of its own, which carries modules, as regal's", () => {
    const regal = async (rule: string, ...args: string[]) => {
      using folder = makeFolder({
        "policies/a.rego":
          "package a\n\nimport data.carried\n\ndeny contains file if {\n\tsome file in input.files\n\tnot carried.is_rego(file)\n}\n\nother if input.other\n",
        "policies/a_test.rego": `package a_test\n\nimport data.a\n\ntest_deny if a.deny == {"b.txt"} with input.files as ["a.rego", "b.txt"]\n\n${rule}\n`,
      });
      const policies = join(folder.path, "policies");
      const all = ["--opa", "go run ./cmd/regal", policies, ...args];
      const result = await runCli("rego-coverage", all, { cwd: customOpa, env });
      return { ...result, stdout: result.stdout.replaceAll(policies, "policies") };
    };

    test("all pass: the user's files alone", async () => {
      const { code, stdout } = await regal("test_other if a.other with input.other as true");
      expect(stdout).toMatch(/^all policies +100 % +4\/4$/m);
      expect(code).toBe(0);
    });

    test("one fails, one is skipped", async () => {
      const { code, stdout } = await regal("test_no if a.other\n\ntodo_test_later if false");
      expect(stdout).toContain("FAIL data.a_test.test_no (policies/a_test.rego:7)\n");
      expect(stdout).toContain("tests: 1 passed, 1 failed, 1 skipped\n");
      expect(stdout).toMatch(/\nMissing coverage:\npolicies\/a\.rego:10\n$/);
      expect(code).toBe(1);
    });

    test("it has no flag for v0 syntax", async () => {
      expect(await regal("", "--v0-compatible")).toMatchObject({
        code: 2,
        stdout: "",
        stderr:
          "rego-coverage: go run ./cmd/regal test: unknown flag: --v0-compatible; --opa takes the command line of an OPA that has it\n",
      });
    });
  });
});
