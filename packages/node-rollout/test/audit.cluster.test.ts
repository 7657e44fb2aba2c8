import { runCli } from "@internal/test/cli";
import { type TestNamespace, useCluster } from "@internal/test/cluster";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { budgetStatus } from "../src/audit-budget.ts";
import { coverWorkloads } from "../src/audit-coverage.ts";

const cluster = useCluster();
let namespace: TestNamespace;
beforeAll(async () => {
  namespace = await cluster.namespace("audit");
});
afterAll(() => namespace[Symbol.asyncDispose]());

interface Status {
  expectedPods: number;
  desiredHealthy: number;
  currentHealthy: number;
  disruptionsAllowed: number;
}
type Item = { metadata: { name: string }; status?: Partial<Status> };

const percent = fc.integer({ min: 0, max: 100 }).map((value) => `${value}%`);
const amount = fc.oneof(fc.integer({ min: 0, max: 7 }), percent);
const demand = fc.oneof(fc.record({ minAvailable: amount }), fc.record({ maxUnavailable: amount }));
const group = fc.record({
  demand,
  replicas: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 2 }),
  bare: fc.integer({ min: 0, max: 2 }),
  sick: fc.integer({ min: 0, max: 2 }),
});

test("agrees with the disruption controller on what every budget allows", async () => {
  const groups = fc.sample(group, { numRuns: 60, seed: 20_260_701 });
  for (const [index, { demand, replicas, bare }] of groups.entries()) {
    const matchLabels = { group: `${index}` };
    const meta = (name: string) => ({ name, namespace: namespace.name });
    const container = { name: "a", image: "a" };
    await cluster.create({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: meta(`g${index}`),
      spec: { ...demand, selector: { matchLabels } },
    });
    for (const [number, count] of replicas.entries()) {
      const labels = { ...matchLabels, part: `${number}` };
      await cluster.create({
        apiVersion: "apps/v1",
        kind: number === 0 ? "Deployment" : "ReplicaSet",
        metadata: meta(`g${index}-${number}`),
        spec: {
          replicas: count,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [container] } },
        },
      });
    }
    for (let number = 0; number < bare; number++) {
      await namespace.createPod(`g${index}-bare-${number}`, { metadata: { labels: matchLabels } });
    }
  }
  const items = async (path: string) =>
    (await cluster.request<{ items: Item[] }>("GET", path)).items;
  const total = groups.flatMap(({ replicas, bare }) => [...replicas, bare]);
  const expected = total.reduce((sum, count) => sum + count, 0);
  const pods = await vi.waitFor(
    async () => {
      const found = await items(namespace.path("pods"));
      expect(found).toHaveLength(expected);
      return found;
    },
    { timeout: 60_000, interval: 200 },
  );
  for (const pod of pods) {
    const { sick = 0 } = groups[Number(pod.metadata.name.match(/^g(\d+)/)?.[1])] ?? {};
    const ready =
      sick === 0 || pod.metadata.name.charCodeAt(pod.metadata.name.length - 1) % 3 >= sick;
    const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
    const path = `${namespace.path("pods")}/${pod.metadata.name}/status`;
    await cluster.request("PATCH", path, { status: { phase: "Running", conditions } });
  }

  const kinds = { Deployment: "deployments", ReplicaSet: "replicasets" };
  const agree = async () => {
    const workloads = await Promise.all(
      Object.entries(kinds).map(async ([kind, plural]) =>
        (await items(namespace.path(plural, "apps/v1"))).map((each) => ({ ...each, kind })),
      ),
    );
    const budgets = await items(namespace.path("poddisruptionbudgets", "policy/v1"));
    const current = await items(namespace.path("pods"));
    const covered = coverWorkloads(workloads.flat(), budgets, current);
    const ours = new Map(
      covered.flatMap(({ budgets }) => budgets).map(({ name, current }) => [name, current]),
    );
    const pick = ({ expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed }: Status) => [
      expectedPods,
      desiredHealthy,
      currentHealthy,
      disruptionsAllowed,
    ];
    const server = budgets.map(({ metadata, status }) => [
      metadata.name,
      ...pick({ ...noStatus, ...status }),
    ]);
    const computed = budgets.map((budget) => {
      const { name } = budget.metadata;
      const { spec } = budget as unknown as { spec: Parameters<typeof budgetStatus>[0] };
      return [name, ...pick(ours.get(name) ?? budgetStatus(spec, []))];
    });
    expect(computed).toEqual(server);
  };
  await vi.waitFor(agree, { timeout: 30_000, interval: 500 });
});

test("reads the live cluster", async () => {
  const env = { KUBECONFIG: cluster.kubeconfigFile };
  const { code, stdout, stderr } = await runCli("node-rollout", ["audit", "--format", "json"], {
    env,
  });
  expect([code, stderr]).toEqual([1, ""]);
  expect(JSON.parse(stdout).checked.budgets).toBeGreaterThanOrEqual(60);
});

const noStatus: Status = {
  expectedPods: 0,
  desiredHealthy: 0,
  currentHealthy: 0,
  disruptionsAllowed: 0,
};
