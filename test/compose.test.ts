import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "./cli.ts";
import { component } from "./components.ts";
import { makeFolder } from "./folder.ts";

/** The packages work together the way their users put them together: on the command line. */
test.each([
  ["istio", "v1"],
  ["istio", "v0"],
  ["name", "v1"],
  ["name", "v0"],
])(
  "rego-coverage finds no gap in the policy rendered for rule %s in Rego %s",
  async (rule, version) => {
    using folder = makeFolder();
    const render = ["render", "rego", "--rule", rule, "--rego-version", version];
    expect(
      (await runCli("istio-port-policy", [...render, "--out", "policies"], { cwd: folder.path }))
        .code,
    ).toBe(0);
    const old = version === "v0" ? ["--v0-compatible"] : [];
    const args = ["policies", "--opa", await component("opa"), "--format", "json", ...old];
    const { code, stdout } = await runCli("rego-coverage", args, { cwd: folder.path });
    const { missing, summary, files } = JSON.parse(stdout);
    expect(missing).toEqual([]);
    expect(code).toBe(0);
    expect(summary.percent).toBe(100);
    expect(files.map(({ file }: { file: string }) => file)).toEqual([
      join("policies", "policy.rego"),
    ]);
  },
);
