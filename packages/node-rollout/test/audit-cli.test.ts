import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { runCli } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { describe, expect, it } from "vitest";
import { auditBudgets } from "../src/audit/audit.ts";
import { missingBudgets } from "../src/audit/fix.ts";
import { auditCommand } from "../src/commands/audit.ts";
import { budget, controller, deployment, pod } from "./audit-fixtures.ts";

const examples = fileURLToPath(new URL("../examples", import.meta.url));
const audit = (args: string[], input = "") =>
  runCli("node-rollout", ["audit", ...args], { cwd: examples, input });

describe("node-rollout audit", () => {
  it("tells what is wrong with manifests, and where", async () => {
    const { code, stdout } = await audit(["shop.yaml"]);
    expect(
      stdout,
    ).toBe(`shop.yaml:2: error: Deployment shop/web has no PodDisruptionBudget: all of its 3 replicas may be evicted at once (no-budget)
shop.yaml:11: error: Deployment shop/checkout PodDisruptionBudget checkout never allows a disruption: minAvailable 50% of 1 demands 1 healthy, and there are never more than 1 (never-allows)
shop.yaml:11: warning: Deployment shop/checkout has one replica: every disruption of it is an outage (single-replica)
2 workloads and 1 PodDisruptionBudget checked: 2 errors, 1 warning
`);
    expect(code).toBe(1);
  });

  it("reads folders, and lists from kubectl on its standard input", async () => {
    using folder = makeFolder({
      "a/web.json": JSON.stringify(deployment("web", 3)),
      "budgets.yml": JSON.stringify(budget("web", { maxUnavailable: 1 })),
      "notes.txt": "{",
    });
    expect(await audit([folder.path])).toMatchObject({ code: 0, stderr: "" });
    const items = [deployment("web", 3), budget("web", { maxUnavailable: 1 })];
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
    const { code, stdout } = await audit(["-"], list);
    expect([code, stdout]).toEqual([
      0,
      "1 workload and 1 PodDisruptionBudget checked: 0 errors, 0 warnings\n",
    ]);
  });

  it("takes a custom resource among the manifests for a workload, its definition for none", async () => {
    const names = { kind: "Rollout", plural: "rollouts" };
    using folder = makeFolder({
      "definition.yaml": JSON.stringify({
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: "rollouts.argoproj.io" },
        spec: { group: "argoproj.io", names, scope: "Namespaced" },
      }),
      "rollout.yaml": JSON.stringify(controller("Rollout", "web", 3)),
    });
    const { code, stdout } = await audit([folder.path]);
    expect(code).toBe(1);
    expect(stdout).toContain("rollout.yaml:1: error: Rollout shop/web has no PodDisruptionBudget");
    expect(stdout).toContain("1 workload and 0 PodDisruptionBudgets checked: 1 error, 0 warnings");
  });

  it("reports as JSON and as SARIF", async () => {
    const json = await audit(["shop.yaml", "--format", "json"]);
    const report = JSON.parse(json.stdout);
    expect(report.checked).toEqual({ workloads: 2, budgets: 1 });
    expect(report.findings.map(({ code }: { code: string }) => code)).toEqual([
      "no-budget",
      "never-allows",
      "single-replica",
    ]);
    const sarif = await audit(["shop.yaml", "--format", "sarif"]);
    const [run] = JSON.parse(sarif.stdout).runs;
    expect(run.results[0]).toMatchObject({
      ruleId: "no-budget",
      level: "error",
      locations: [
        {
          physicalLocation: { artifactLocation: { uri: "shop.yaml" }, region: { startLine: 2 } },
        },
      ],
    });
  });

  it("prints the missing budgets, which mend what they can", async () => {
    const { code, stdout } = await audit(["--fix", "shop.yaml"]);
    expect(code).toBe(0);
    expect(stdout).toBe(`apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web
  namespace: shop
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      app: web
`);
  });

  it.each([
    [["nowhere"], /nowhere: no such file or directory/],
    [["shop.yaml", "--format", "xml"], /no such format/],
    [["shop.yaml", "--nodes", "0"], /--nodes 0: expected a count from 1/],
    [["-"], /-:1: no valid YAML/],
  ])("cannot begin with %j", async (args, message) => {
    const { code, stderr, stdout } = await audit(args, "a: {");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });
});

it("audits what is beside a broken document, and exits 2", async () => {
  const good = JSON.stringify(deployment("web", 3));
  const { code, stdout, stderr } = await audit(["-"], `a: [\n---\n${good}\n`);
  expect(stderr).toMatch(/^node-rollout: -:\d: no valid YAML: .*\n$/);
  expect(stdout).toMatch(/-:3: error: Deployment shop\/web has no PodDisruptionBudget/);
  expect(code).toBe(2);
});

it("passes over a template without a warning", async () => {
  const { code, stderr } = await audit(["-"], "kind: {{ .Values.kind }}\nmetadata: {{ x }}\n");
  expect([code, stderr]).toEqual([0, ""]);
});

it.each(["", " \n"])("takes a standard input of %j for a command that failed", async (input) => {
  const { code, stderr } = await audit(["-"], input);
  expect(stderr).toBe("node-rollout: -: nothing came; has the command before the pipe failed?\n");
  expect(code).toBe(2);
});

it("ends on a signal while it waits for the standard input", async () => {
  const ending = new AbortController();
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const io = { stdin, stdout, stderr, env: {} };
  const run = auditCommand.run({ values: {}, positionals: ["-"], signal: ending.signal, io });
  ending.abort();
  await expect(run).rejects.toMatchObject({ name: "AbortError" });
});

describe("missing budgets", () => {
  it("never put a second budget on a pod, and say why", () => {
    const canary = { app: "web", track: "canary" };
    const workloads = [
      deployment("web", 3),
      deployment("canary", 2, canary),
      controller("StatefulSet", "api", 2),
      deployment("api", 2, { app: "api-web" }),
    ];
    const budgets = [budget("canary", { maxUnavailable: 1 }, { track: "canary" })];
    const fix = missingBudgets(workloads, budgets, [pod("loose")]);
    expect(fix.budgets.map(({ metadata }) => metadata.name)).toEqual(["api", "api-deployment"]);
    expect(fix.unfixed.map(({ workload, reason }) => [workload.name, reason])).toEqual([
      [
        "web",
        "its selector also selects pods of Deployment canary, which have a PodDisruptionBudget",
      ],
      ["loose", "a bare Pod: nothing replaces it after an eviction; let a Deployment make it"],
    ]);
    const after = auditBudgets(workloads, [...budgets, ...fix.budgets], []);
    expect(after.findings.map(({ code, workload }) => `${code} ${workload.name}`)).toEqual([
      "no-budget web",
    ]);
  });

  it("are none where nothing is missing", () => {
    const given = [
      [deployment("web", 2), deployment("off", 0)],
      [budget("web", { minAvailable: 1 })],
    ] as const;
    expect(missingBudgets([...given[0]], [...given[1]], [])).toEqual({ budgets: [], unfixed: [] });
  });
});
