import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { binOf, startProcess } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { blocksOf } from "@internal/test/readme/steps";
import { sarifProblems } from "@internal/test/sarif";
import { load } from "js-yaml";
import { expect, test } from "vitest";
import { detectProtocol, type ServicePort } from "../src/index.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

/** The README's block of a language that contains a text. */
function block(language: string, containing: string): string {
  const found = blocksOf(readme).find(
    (each) => each.language === language && each.text.includes(containing),
  );
  if (found === undefined)
    throw new Error(`the README has no ${language} block with ${containing}`);
  return found.text;
}

const service = (name: string, port: string) =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{name: ${port}, port: 1}]}\n`;

/** A repository that has the package installed: npx prefers what is there to a registry. */
function makeRepository() {
  const folder = makeFolder({
    "package.json": "{}",
    "node_modules/.bin/istio-port-policy": `#!/bin/sh\nexec "${process.execPath}" "${binOf("istio-port-policy")}" "$@"\n`,
    "manifests/good.yaml": service("good", "http"),
    "manifests/bad one.yml": service("bad", "web"),
    "notes.md": "no manifest",
  });
  chmodSync(join(folder.path, "node_modules/.bin/istio-port-policy"), 0o755);
  return folder;
}

test("the pre-commit hook, called as pre-commit calls it: its entry, then the changed files", async () => {
  type Hook = { entry: string; files: string; language: string; require_serial?: boolean };
  const config = load(block("yaml", ".pre-commit-config.yaml")) as { repos: { hooks: Hook[] }[] };
  const hook = config.repos[0]?.hooks[0];
  if (hook === undefined) throw new Error("no hook");
  expect(hook.language).toBe("system");
  // Without it pre-commit parts the files among processes, which do not see each other's Namespaces.
  expect(hook.require_serial).toBe(true);
  const [command = "", ...args] = hook.entry.split(" ");
  using repository = makeRepository();
  const commit = (...changed: string[]) => {
    const files = changed.filter((file) => new RegExp(hook.files).test(file));
    return startProcess(command, [...args, ...files], { cwd: repository.path }).ended;
  };
  expect(await commit("notes.md", "manifests/good.yaml")).toMatchObject({ code: 0 });
  const refused = await commit("notes.md", "manifests/good.yaml", "manifests/bad one.yml");
  expect(refused.stdout).toContain("manifests/bad one.yml\n  4:");
  expect(refused.code).toBe(1);
}, 120_000);

test("the step of the workflow annotates, writes the log it uploads, and fails", async () => {
  type Step = { run?: string; with?: { sarif_file: string } };
  const steps = load(block("yaml", "# .github/workflows")) as Step[];
  const { run = "" } = steps.find((step) => step.run) ?? {};
  const log = steps.find((step) => step.with)?.with?.sarif_file ?? "";
  using repository = makeRepository();
  const { code, stdout } = await startProcess("bash", ["-e", "-c", run], { cwd: repository.path })
    .ended;
  expect(stdout).toMatch(/^::error file=manifests\/bad one.yml,line=4,col=\d+,title=IST0118::/);
  expect(sarifProblems(readFileSync(join(repository.path, log), "utf8"))).toEqual([]);
  expect(code).toBe(1);
}, 120_000);

test("what the library's example says of ports is so", () => {
  const said = [
    ...block("ts", "detectProtocol").matchAll(/^detectProtocol\((\{.*\})\); \/\/ (\{.*\})$/gm),
  ];
  expect(said).toHaveLength(2);
  for (const [, port = "", answer = ""] of said) {
    expect(detectProtocol(load(port) as ServicePort)).toEqual(load(answer));
  }
});
