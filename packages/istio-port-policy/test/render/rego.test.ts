import { join } from "node:path";
import { runCli, startProcess } from "@internal/test/cli";
import { available, component } from "@internal/test/components";
import { makeFolder } from "@internal/test/folder";
import { describe, expect, test } from "vitest";
import { renderRego } from "../../src/index.ts";

/** The counts that the naming convention's policy was first defined by, as its tests asserted them. */
const original = (v: "v0" | "v1") => `package k8svalidistioserviceportname
${[
  ["https", [{ name: "https" }], 0],
  ["suffix", [{ name: "https-foobar" }], 0],
  ["no_dash", [{ name: "httpsfoobar" }], 1],
  ["unnamed", [{}], 1],
  ["two_unnamed", [{}, {}], 1],
]
  .map(
    ([name, ports, count]) => `
test_${name} ${v === "v1" ? "if " : ""}{
	results := violation with input as {"review": {"object": {"kind": "Service", "metadata": {"name": "a", "namespace": "b"}, "spec": {"ports": ${JSON.stringify(ports)}}}}}
	count(results) == ${count}
}
`,
  )
  .join("")}`;

const hasOpa = await available("opa");

async function opaTest(folder: string, regoVersion: string, ...args: string[]) {
  const compatible = regoVersion === "v0" ? ["--v0-compatible"] : [];
  return startProcess(await component("opa"), ["test", ...compatible, ...args, folder]).ended;
}

describe.runIf(hasOpa).each(["v0", "v1"] as const)("Rego %s", (regoVersion) => {
  test("the original counts hold", async () => {
    const { policy } = renderRego({ rule: "name", regoVersion });
    using folder = makeFolder({ "policy.rego": policy, "policy_test.rego": original(regoVersion) });
    const { code, stdout } = await opaTest(folder.path, regoVersion);
    expect(stdout).toContain("PASS: 5/5");
    expect(code).toBe(0);
  });

  test.each([
    ["istio", []],
    ["istio", ["--allow-service-opt-out"]],
    ["istio", ["--istio-version", "1.5"]],
    ["istio", ["--istio-version", "1.13"]],
    ["istio", ["--istio-version", "1.20", "--opt-out-label", "example.com/out"]],
    ["name", []],
    ["name", ["--allow-service-opt-out", "--protocols", "http,thrift"]],
  ])("rule %s %j: its tests pass and cover every line", async (rule, args) => {
    using folder = makeFolder();
    const rendered = ["render", "rego", "--rule", rule, "--rego-version", regoVersion, ...args];
    const { stdout } = await runCli("istio-port-policy", [...rendered, "--out", folder.path]);
    expect(stdout.trim().split("\n")).toEqual(
      ["policy.rego", "policy_test.rego"].map((file) => join(folder.path, file)),
    );
    const tested = await opaTest(folder.path, regoVersion);
    expect(tested.stdout).toMatch(/^PASS: (\d+)\/\1$/m);
    const coverage = await opaTest(folder.path, regoVersion, "--coverage");
    expect(JSON.parse(coverage.stdout).coverage).toBe(100);
  });

  test("is formatted as opa does, and passes its strict check", async () => {
    const { policy, tests } = renderRego({ regoVersion, allowServiceOptOut: true });
    using folder = makeFolder({ "policy.rego": policy, "policy_test.rego": tests });
    const compatible = regoVersion === "v0" ? ["--v0-compatible"] : [];
    for (const args of [
      ["fmt", "--fail", "--diff"],
      ["check", "--strict"],
    ]) {
      const ran = startProcess(await component("opa"), [...args, ...compatible, folder.path]);
      expect(await ran.ended).toMatchObject({ code: 0, stdout: "" });
    }
  });
});

test("without --out the policy goes to stdout", async () => {
  const { code, stdout } = await runCli("istio-port-policy", ["render", "rego", "--rule=name"]);
  expect(stdout).toBe(renderRego({ rule: "name" }).policy);
  expect(stdout).toContain("package k8svalidistioserviceportname\n");
  expect(code).toBe(0);
});

test("rules have the names they are known by", () => {
  expect(renderRego().policy).toContain("\npackage k8sistioserviceportprotocol\n");
});
