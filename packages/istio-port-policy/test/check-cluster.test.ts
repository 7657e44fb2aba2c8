import { runCli } from "@internal/test/cli";
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
  expect(other.stderr).toMatch(/^istio-port-policy: context other: not in the kubeconfig/);
  expect(other.code).toBe(2);
});

test("an aborted check ends with the reason", async () => {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(api.kubeconfigFile());
  const reason = new Error("enough");
  const aborted = checkCluster({ kubeConfig, signal: AbortSignal.abort(reason) });
  await expect(aborted).rejects.toBe(reason);
});
