import { execFileSync } from "node:child_process";
import { appendFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "@internal/test/cli";
import { component } from "@internal/test/components";
import { makeFolder } from "@internal/test/folder";
import { describe, expect, test } from "vitest";
import { parseDiff } from "../src/changed-rows.ts";

function git(cwd: string, ...args: string[]): void {
  const author = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
  execFileSync("git", [...author, ...args], { cwd, stdio: "pipe" });
}

/** Makes a repository of a folder, with all that is in it. */
function commitAll(cwd: string): void {
  git(cwd, "init", "-q");
  git(cwd, "add", ".");
  git(cwd, "commit", "-q", "-m", "first");
}

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

test("rows with others around them, as some settings ask for", () => {
  const diff = `+++ b/a.rego
@@ -1,5 +1,6 @@
 package a
-x := 1
+x := 2
 
-y := 1
+++ b/no.rego
+++ i
 last
 No newline at end of file
`;
  expect(parseDiff(diff, "/repo")).toEqual(new Map([["/repo/a.rego", new Set([2, 4, 5])]]));
});

test.each([
  ["b/with blank.rego\t", "with blank.rego"],
  [String.raw`"b/quote\".rego"`, 'quote".rego'],
  [String.raw`"b/tab\tback\\slash.rego"`, "tab\tback\\slash.rego"],
  [String.raw`"b/gr\303\266\303\237e\001.rego"`, "größe\u0001.rego"],
  [String.raw`"b/größe\n.rego"`, "größe\n.rego"],
])("the name %s", (written, name) => {
  const diff = `diff --git x y\n+++ ${written}\n@@ -1 +1 @@\n-x\n+y\n`;
  expect(parseDiff(diff, "/repo")).toEqual(new Map([[`/repo/${name}`, new Set([1])]]));
});

test("--changed: only changed policy lines count", async () => {
  const old = "package a\n\nx := 1\n\ny := 2\n";
  using folder = makeFolder({
    "policies/a.rego": old,
    "policies/untouched.rego": "package untouched\n\nx := 1\n",
    "policies/a_test.rego": "package a_test\n\nimport data.a\n\ntest_x if a.x == 1\n",
  });
  commitAll(folder.path);
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

describe("--changed, of what git has to say", () => {
  const old = "package a\n\nx := 1\n\ny := 2\n";
  const tests = "package a_test\n\nimport data.a\n\ntest_x if a.x == 1\n";
  const files = { "policies/a.rego": old, "policies/a_test.rego": tests };
  const missing = async (cwd: string, path = "policies", base = "HEAD") => {
    const args = ["--opa", await component("opa"), "--changed", base, path];
    const { stdout, stderr } = await runCli("rego-coverage", args, { cwd });
    return stderr || stdout.split("Missing coverage:\n")[1] || "none\n";
  };

  test.each([
    ["diff.noprefix", "true"],
    ["diff.mnemonicPrefix", "true"],
    ["diff.relative", "true"],
    ["diff.interHunkContext", "9"],
    ["color.ui", "always"],
    ["diff.external", "false"],
    ["diff.cut.textconv", "head -1"],
  ])("whatever the user has set: %s %s", async (name, value) => {
    using folder = makeFolder({ ...files, ".gitattributes": "*.rego diff=cut\n" });
    commitAll(folder.path);
    git(folder.path, "config", name, value);
    writeFileSync(join(folder.path, "policies/a.rego"), `${old}\nz := 3\n`);
    expect(await missing(join(folder.path, "policies"), ".")).toBe("a.rego:7\n");
  });

  test("files that are binary to git, have odd names, are staged, not known yet, or gone", async () => {
    using folder = makeFolder({
      ...files,
      ".gitattributes": "*.rego binary\n",
      "policies/gone.rego": "package gone\n\nx := 1\n",
      'policies/größe "q"\t.rego': "package q\n\nx := 1 if input.q\n",
    });
    commitAll(folder.path);
    rmSync(join(folder.path, "policies/gone.rego"));
    writeFileSync(join(folder.path, "policies/a.rego"), `${old}\nz := 3\n`);
    git(folder.path, "add", ".");
    appendFileSync(join(folder.path, "policies/a.rego"), "\nnot_staged := 3\n");
    appendFileSync(join(folder.path, 'policies/größe "q"\t.rego'), "\nz := 3\n");
    writeFileSync(join(folder.path, "policies/größer.rego"), "package new\n\nx := 1\n");
    expect(await missing(folder.path)).toBe(
      'policies/a.rego:7\npolicies/a.rego:9\npolicies/größe "q"\t.rego\npolicies/größer.rego\n',
    );
  });

  test("a renamed file has only changed where it is another one", async () => {
    using folder = makeFolder(files);
    commitAll(folder.path);
    git(folder.path, "mv", "policies/a.rego", "policies/b.rego");
    expect(await missing(folder.path)).toBe("none\n");
    appendFileSync(join(folder.path, "policies/b.rego"), "\nz := 3\n");
    expect(await missing(folder.path)).toBe("policies/b.rego:7\n");
  });

  test("a worktree, and a clone that is shallow", async () => {
    using folder = makeFolder({ "main/policies/a.rego": old, "main/policies/a_test.rego": tests });
    const main = join(folder.path, "main");
    commitAll(main);
    git(main, "branch", "base");
    git(main, "worktree", "add", "-q", "../tree");
    appendFileSync(join(folder.path, "tree/policies/a.rego"), "\nz := 3\n");
    expect(await missing(join(folder.path, "tree"))).toBe("policies/a.rego:7\n");
    git(join(folder.path, "tree"), "commit", "-q", "-a", "-m", "second");
    git(folder.path, "clone", "-q", "--depth=1", "--branch=tree", `file://${main}`, "shallow");
    const shallow = join(folder.path, "shallow");
    expect(await missing(shallow, "policies", "origin/base")).toBe(
      "rego-coverage: --changed origin/base: git knows no such revision here; the clone is shallow, so fetch it (fetch-depth: 0)\n",
    );
    git(shallow, "fetch", "-q", "--depth=1", "origin", "base:refs/remotes/origin/base");
    expect(await missing(shallow, "policies", "origin/base")).toBe("policies/a.rego:7\n");
  });

  test("policies of another repository, a submodule or one beside, are refused", async () => {
    using folder = makeFolder({
      "here/README.md": "",
      "here/sub/policies/a.rego": old,
      "here/sub/policies/a_test.rego": tests,
    });
    const here = join(folder.path, "here");
    commitAll(join(here, "sub"));
    commitAll(here);
    appendFileSync(join(here, "sub/policies/a.rego"), "\nz := 3\n");
    expect(await missing(here, "sub/policies")).toMatch(
      /^rego-coverage: --changed HEAD: .*\/sub\/policies\/a\.rego is not in the git repository .*\/here itself; run rego-coverage in its own\n$/,
    );
    expect(await missing(join(here, "sub"))).toBe("policies/a.rego:7\n");
    expect(await missing(join(here, "sub"), "..", "HEAD")).toContain("sub/policies/a.rego:7\n");
  });
});
