import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "@internal/test/cli";
import { component } from "@internal/test/components";
import { makeFolder } from "@internal/test/folder";
import { expect, test } from "vitest";
import { parseDiff } from "../src/changed-rows.ts";

test("the new side of a diff, and no line that only looks like a header", () => {
  const diff = `diff --git a/a.rego b/a.rego
--- a/a.rego
+++ b/a.rego
@@ -1,0 +2,2 @@ package a
+++ b/no.rego
+x := 1
@@ -7 +9 @@
-y
+z
@@ -12,3 +13,0 @@
-gone
diff --git a/b.rego b/b.rego
--- a/b.rego
+++ /dev/null
@@ -1 +0,0 @@
-x
`;
  expect(parseDiff(diff, "/repo")).toEqual(new Map([["/repo/a.rego", new Set([2, 3, 9])]]));
});

test("--changed: only changed policy lines count", async () => {
  const old = "package a\n\nx := 1\n\ny := 2\n";
  using folder = makeFolder({
    "policies/a.rego": old,
    "policies/untouched.rego": "package untouched\n\nx := 1\n",
    "policies/a_test.rego": "package a_test\n\nimport data.a\n\ntest_x if a.x == 1\n",
  });
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
      cwd: folder.path,
      stdio: "pipe",
    });
  git("init", "-q");
  git("add", ".");
  git("commit", "-q", "-m", "first");
  const opa = await component("opa");
  const run = (base: string) =>
    runCli("rego-coverage", ["--opa", opa, "--changed", base], { cwd: folder.path });
  expect(await run("HEAD")).toMatchObject({ code: 0 });
  writeFileSync(join(folder.path, "policies/a.rego"), `${old}\nz := 3\n`);
  writeFileSync(join(folder.path, "policies/new.rego"), "package new\n\nx := 1\n");
  const { code, stdout } = await run("HEAD");
  expect(code).toBe(1);
  expect(stdout).toMatch(/\nMissing coverage:\npolicies\/a\.rego:7\npolicies\/new\.rego\n$/);
  expect(await run("no-such-branch")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--changed no-such-branch: git knows no such revision here"),
  });
});
