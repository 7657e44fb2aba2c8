import { cpSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCli, startProcess } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { type FakeKubernetes, startFakeKubernetes } from "@internal/test/kubernetes/fake";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CheckReport, checkCluster } from "../src/index.ts";

let api: FakeKubernetes;
beforeAll(async () => {
  api = await startFakeKubernetes();
  const service = (name: string, namespace: string, port: object) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { ports: [port] },
  });
  api.apply(
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "old", labels: { "istio-port-policy": "disabled" } },
    },
    service("a", "old", { name: "x", port: 1 }),
    service("b", "shop", { name: "x", port: 1, appProtocol: "http" }),
    service("c", "shop", { name: "x", port: 1 }),
    service("d", "kube-system", { name: "x", port: 1 }),
  );
});
afterAll(() => api.close());

const check = (kubeconfig: string, ...args: string[]) =>
  runCli("istio-port-policy", ["check", "--cluster", "--format=json", ...args], {
    env: { KUBECONFIG: kubeconfig },
  });

test("checks the Services of a live cluster, opt-out of the Namespace included", async () => {
  const { code, stdout, stderr } = await check(api.kubeconfigFile());
  const report: CheckReport = JSON.parse(stdout);
  expect(report.findings).toMatchObject([
    { kind: "Service", namespace: "shop", service: "c", port: { index: 0, name: "x", number: 1 } },
  ]);
  expect(report.checked.services).toBeGreaterThanOrEqual(4);
  expect([code, stderr]).toEqual([1, ""]);
  expect(api.problems).toEqual([]);
});

test("who may not list gets a sentence and the way to the role", async () => {
  const nobody = api.kubeconfigFile({ serviceAccount: { namespace: "default", name: "nobody" } });
  const { code, stderr } = await check(nobody);
  expect(stderr).toMatch(/not allowed to list namespaces .*\(403\); istio-port-policy render rbac/);
  expect(code).toBe(2);
});

test("a server that is not there, and a context that is not, are one sentence", async () => {
  const gone = await check(api.kubeconfigFile({ server: "https://127.0.0.1:1" }));
  expect(gone.stderr).toMatch(/^istio-port-policy: https:\/\/127.0.0.1:1: cannot be reached: /);
  expect(gone.code).toBe(2);
  const other = await check(api.kubeconfigFile(), "--context", "other");
  expect(other.stderr).toMatch(
    /^istio-port-policy: --context other: no such context; the kubeconfig has /,
  );
  expect(other.code).toBe(2);
});

test("without a kubeconfig, or without a context in it, is one sentence", async () => {
  using folder = makeFolder({ "empty.yaml": "apiVersion: v1\nkind: Config\n" });
  for (const [env, sentence] of [
    [{ HOME: folder.path }, "no kubeconfig: KUBECONFIG is not set, "],
    [{ KUBECONFIG: join(folder.path, "empty.yaml") }, "the kubeconfig has no current context"],
    [{ KUBECONFIG: join(folder.path, "none.yaml") }, "no usable kubeconfig: "],
  ] as const) {
    const { code, stderr } = await runCli("istio-port-policy", ["check", "--cluster"], { env });
    expect(stderr).toContain(`istio-port-policy: ${sentence}`);
    expect([code, stderr.trim().split("\n").length]).toEqual([2, 1]);
  }
});

test("without @kubernetes/client-node it names the install line and the pipe", async () => {
  // The package as it is installed without its optional peer: its own dependencies, and nothing else.
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  using folder = makeFolder();
  cpSync(join(root, "packages/istio-port-policy/src"), join(folder.path, "src"), {
    recursive: true,
  });
  cpSync(join(root, "packages/istio-port-policy/package.json"), join(folder.path, "package.json"));
  mkdirSync(join(folder.path, "node_modules/@internal"), { recursive: true });
  for (const [name, target] of [
    ["js-yaml", "node_modules/js-yaml"],
    ["ignore", "node_modules/ignore"],
    ["@internal/lib", "lib"],
  ] as const) {
    symlinkSync(join(root, target), join(folder.path, "node_modules", name));
  }
  const check = [join(folder.path, "src/cli.ts"), "check", "--cluster"];
  const { code, stderr } = await startProcess(process.execPath, check).ended;
  expect(stderr).toBe(
    "istio-port-policy: a live check needs @kubernetes/client-node: npm install @kubernetes/client-node; or without it: kubectl get services,namespaces -A -o json | istio-port-policy check -\n",
  );
  expect(code).toBe(2);
});

test("an aborted check ends with the reason", async () => {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(api.kubeconfigFile());
  const reason = new Error("enough");
  const aborted = checkCluster({ kubeConfig, signal: AbortSignal.abort(reason) });
  await expect(aborted).rejects.toBe(reason);
});
