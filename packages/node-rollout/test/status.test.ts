import { runCli } from "@internal/test/cli";
import { startFakeKubernetes } from "@internal/test/kubernetes/fake";
import { expect, test } from "vitest";

const startedAt = new Date(Date.now() - 300_000);
const record = {
  ...{ instanceId: "i-old", phase: "draining", startedAt, holder: "one", renewedAt: new Date() },
  actions: [],
  waits: [
    {
      ...{ code: "budget", object: "PodDisruptionBudget shop/web", message: "allows 0" },
      since: new Date(Date.now() - 200_000),
    },
  ],
};

function node(name: string, more: { annotations?: object; taints?: object[] } = {}) {
  const { annotations = {}, taints = [] } = more;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, annotations },
    spec: { providerID: `aws:///eu-west-1a/i-${name}`, taints },
    status: { conditions: [] },
  };
}

const startupTaint = {
  key: "startup-taint.cluster-autoscaler.kubernetes.io/node-rollout",
  effect: "NoSchedule",
};

test("status shows every node in hand with its phase, what it waits for, and since when", async () => {
  await using kubernetes = await startFakeKubernetes();
  kubernetes.apply(
    node("old", { annotations: { "node-rollout/record": JSON.stringify(record) } }),
    node("new", { taints: [startupTaint] }),
    node("other"),
    node("mangled", { annotations: { "node-rollout/record": "{" } }),
  );
  const env = { KUBECONFIG: kubernetes.kubeconfigFile() };
  const { code, stdout, stderr } = await runCli("node-rollout", ["status"], { env });
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(
    /^old +i-old +draining +5 min +\d+ s +PodDisruptionBudget shop\/web: allows 0, for 3 min$/m,
  );
  expect(stdout).toMatch(/^new +i-new +gated/m);
  expect(stdout).not.toMatch(/other|mangled/);

  const json = await runCli("node-rollout", ["status", "--format", "json"], { env });
  expect(JSON.parse(json.stdout).nodes).toEqual([
    expect.objectContaining({
      ...{ node: "old", instanceId: "i-old", phase: "draining", holder: "one" },
      since: startedAt.toISOString(),
      waits: [expect.objectContaining({ code: "budget", object: "PodDisruptionBudget shop/web" })],
    }),
    expect.objectContaining({ node: "new", phase: "gated" }),
  ]);
});

test("status without a node in hand says so", async () => {
  await using kubernetes = await startFakeKubernetes();
  const env = { KUBECONFIG: kubernetes.kubeconfigFile() };
  const { code, stdout } = await runCli("node-rollout", ["status"], { env });
  expect([code, stdout]).toEqual([0, "no node is in hand\n"]);
});
