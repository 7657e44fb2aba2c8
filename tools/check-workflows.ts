/**
 * Fails when a workflow is not what GitHub takes (by actionlint, which Go builds), when an action is not pinned by its
 * commit with the version beside it, or when a job has no time limit. `node tools/check-workflows.ts [FOLDER]`
 */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const inside = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const folder = resolve(process.argv[2] ?? inside("../.github/workflows"));
const files = globSync(`${folder}/*.{yml,yaml}`);
const problems = files.flatMap((file) => ourRules(file, readFileSync(file, "utf8")));
if (files.length === 0) problems.push(`${folder}: no workflow found`);

// Without its own look for shellcheck: whether that is installed must not change the verdict.
const linter = ["tool", "actionlint", "-shellcheck=", "-pyflakes=", "-oneline", ...files];
const env = { ...process.env, GOTOOLCHAIN: "auto", GOWORK: "off" };
const { status, stdout, stderr } = spawnSync("go", linter, {
  cwd: inside("actionlint"),
  env,
  encoding: "utf8",
});
if (status !== 0) problems.push(stdout || stderr || "actionlint: there is no Go to build it with");

if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`workflows: ${files.length} files are sound, their actions pinned`);

function ourRules(file: string, text: string): string[] {
  const lines = text.split("\n").map((line, index) => ({ line, at: `${file}:${index + 1}` }));
  const loose = lines
    .filter(({ line }) => /^\s*(- )?uses:/.test(line))
    .filter(({ line }) => !/@[0-9a-f]{40} # v\d/.test(line))
    .map(({ line, at }) => `${at}: not pinned by a commit: ${line.trim()}`);
  const count = (word: string) => lines.filter(({ line }) => line.trim().startsWith(word)).length;
  const unlimited = count("runs-on:") - count("timeout-minutes:");
  return unlimited > 0 ? [...loose, `${file}: a job has no timeout-minutes`] : loose;
}
