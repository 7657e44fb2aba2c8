import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { binOf, runCli, startProcess } from "@internal/test/cli";
import { component } from "@internal/test/components";
import { makeFolder } from "@internal/test/folder";
import { beforeAll, expect, test } from "vitest";

const packageFolder = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(packageFolder, "README.md"), "utf8");
const examples = join(packageFolder, "examples");

let opa: string;
beforeAll(async () => {
  opa = await component("opa");
}, 600_000);

test("the first example prints what the README shows", async () => {
  const [, shown = ""] = /^\$ npx rego-coverage policies\n([\s\S]*?)^```/m.exec(readme) ?? [];
  const { code, stdout } = await runCli("rego-coverage", ["--opa", opa], { cwd: examples });
  expect(stdout).toBe(shown);
  expect(code).toBe(1);
});

/** The examples in a repository with a remote, the package installed as npm installs it. */
function repository() {
  const folder = makeFolder();
  const git = (...args: string[]) => execFileSync("git", args, { cwd: folder.path, stdio: "pipe" });
  cpSync(join(examples, "policies"), join(folder.path, "policies"), { recursive: true });
  const bin = join(folder.path, "node_modules/.bin");
  mkdirSync(bin, { recursive: true });
  const script = `#!/bin/sh\nexec '${process.execPath}' '${binOf("rego-coverage")}' "$@"\n`;
  writeFileSync(join(bin, "rego-coverage"), script, { mode: 0o755 });
  writeFileSync(join(folder.path, ".gitignore"), "node_modules\nlcov.info\n");
  git("init", "-q", "-b", "main");
  git("config", "user.name", "t");
  git("config", "user.email", "t@example.org");
  git("add", ".");
  git("commit", "-q", "-m", "first");
  git("clone", "-q", "--bare", ".", ".git/remote");
  git("remote", "add", "origin", ".git/remote");
  git("fetch", "-q", "origin");
  git("checkout", "-q", "-b", "change");
  return folder;
}

/** Runs a line as the runner of a CI does, in a shell that stops at the first failure. */
function run(line: string, cwd: string) {
  const env = { OPA: opa, npm_config_offline: "true", npm_config_cache: join(cwd, ".git/npm") };
  return startProcess("bash", ["-e", "-c", line], { cwd, env }).ended;
}

test("the GitHub workflow's step: only what the pull request changes", async () => {
  using folder = repository();
  const [, step = ""] = /- run: (npx --yes rego-coverage .*)/.exec(readme) ?? [];
  const line = step.replace("${{ github.base_ref }}", "main");
  const before = await run(line, folder.path);
  expect({ code: before.code, stdout: before.stdout }).toEqual({ code: 0, stdout: "" });
  const policy = join(folder.path, "policies/service.rego");
  writeFileSync(policy, `${readFileSync(policy, "utf8")}\nexternal if input.external\n`);
  const after = await run(line, folder.path);
  expect(after.stdout).toBe(
    "::error file=policies/service.rego,line=19,endLine=19,title=Missing coverage::no test exercises this\n",
  );
  expect(after.code).toBe(1);
  expect(readFileSync(join(folder.path, "lcov.info"), "utf8")).toContain("DA:19,0\n");
});

test("the pre-commit hook's entry", async () => {
  using folder = repository();
  const [, entry = ""] = /entry: (npx --yes rego-coverage .*)/.exec(readme) ?? [];
  const { code, stdout } = await run(entry, folder.path);
  expect(stdout).toMatch(/\nMissing coverage:\npolicies\/service\.rego:10-12\n$/);
  expect(code).toBe(1);
});
