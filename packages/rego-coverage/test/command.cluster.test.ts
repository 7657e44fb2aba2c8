import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
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
});

test("modules that the command carries in itself, as regal does, are not the user's", async () => {
  using folder = makeFolder({
    "policies/a.rego": "package a\n\nimport data.carried\n\nx := carried.x\n",
    "policies/a_test.rego": "package a_test\n\nimport data.a\n\ntest_x if a.x == 1\n",
  });
  const script = `#!/bin/sh
[ "$1" = version ] && exec ${await component("opa")} version
carried=$(mktemp -d)
printf 'package carried\\n\\nx := 1\\n\\ny := 2\\n' > "$carried/carried.rego"
${await component("opa")} "$@" "$carried/carried.rego"
code=$?
rm -r "$carried"
exit $code
`;
  mkdirSync(join(folder.path, "bin"));
  writeFileSync(join(folder.path, "bin/regal"), script, { mode: 0o755 });
  const env = { PATH: `${join(folder.path, "bin")}:${process.env["PATH"]}` };
  const args = ["--opa", "regal"];
  const { code, stdout, stderr } = await runCli("rego-coverage", args, { cwd: folder.path, env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("all policies     100 %    1/1\n");
});
