import { runCli, startCli } from "@internal/test/cli";
import { startRolloutWorld } from "@internal/test/rollout-world";
import { expect, test } from "vitest";

test("drain empties a node named by its instance; the plan before says what will happen", async () => {
  await using world = await startRolloutWorld();
  const { env, kubernetes } = world;
  const plan = await runCli("node-rollout", ["drain", "i-old", "--dry-run"], { env });
  expect(plan.code).toBe(0);
  expect(plan.stdout.match(/^evict +default\/web-/gm)).toHaveLength(4);
  expect(kubernetes.get("nodes", "old")?.spec?.["unschedulable"]).toBeUndefined();

  const drained = await runCli("node-rollout", ["drain", "i-old"], { env });
  expect(drained.stderr).toContain("cordoned old\n");
  expect(drained.stdout).toMatch(/^old drained in \d+\.\d s\n$/);
  expect(drained.code).toBe(0);
  expect(kubernetes.list("pods").every(({ spec }) => spec?.["nodeName"] === "new")).toBe(true);
  expect(kubernetes.problems).toEqual([]);
});

test("a pod that nothing starts again blocks the drain before anything is touched", async () => {
  await using world = await startRolloutWorld();
  const { env, kubernetes } = world;
  kubernetes.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "bare", namespace: "default" },
    spec: { nodeName: "old", containers: [{ name: "main", image: "registry.example/main:1" }] },
  });
  const { code, stdout } = await runCli("node-rollout", ["drain", "old"], { env });
  expect(code).toBe(1);
  expect(stdout).toContain("default/bare: unreplicated");
  expect(kubernetes.get("nodes", "old")?.spec?.["unschedulable"]).toBeUndefined();
  expect((await runCli("node-rollout", ["drain", "old", "--force"], { env })).code).toBe(0);
});

test("a drain that is not done in time exits 1 and says what holds it", async () => {
  await using world = await startRolloutWorld();
  const { env, kubernetes } = world;
  kubernetes.apply({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "web", namespace: "default" },
    spec: { maxUnavailable: 0, selector: { matchLabels: { app: "web" } } },
  });
  const { code, stdout } = await runCli("node-rollout", ["drain", "old", "--timeout", "1"], {
    env,
  });
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /not empty in time, 0 of 4 pods are gone; it waits for PodDisruptionBudget default\/web/,
  );
});

test("a node that does not exist exits 2", async () => {
  await using world = await startRolloutWorld();
  const { code, stderr } = await runCli("node-rollout", ["drain", "i-none"], { env: world.env });
  expect(code).toBe(2);
  expect(stderr).toContain("i-none: no node has this name or instance id");
});

test("Ctrl-C ends it with 130, and says what is left and how to give the node back", async () => {
  await using world = await startRolloutWorld();
  const run = startCli("node-rollout", ["drain", "old"], { env: world.env });
  await run.printed(/evicted/);
  run.kill("SIGINT");
  const { code, stderr } = await run.ended;
  expect(code).toBe(130);
  expect(stderr).toMatch(
    /^old stays cordoned, \d of 4 pods are gone; kubectl uncordon old && kubectl label node old node\.kubernetes\.io\/exclude-from-external-load-balancers- gives it back$/m,
  );
});

test("several nodes are drained at once; a blocked plan of one leaves all as they are", async () => {
  await using world = await startRolloutWorld();
  const { env, kubernetes } = world;
  kubernetes.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "bare", namespace: "default" },
    spec: { nodeName: "new", containers: [{ name: "main", image: "registry.example/main:1" }] },
  });
  const blocked = await runCli("node-rollout", ["drain", "old", "new"], { env });
  expect(blocked.code).toBe(1);
  expect(blocked.stdout).toMatch(/^old was left as it is\nnew cannot be drained/);
  expect(kubernetes.get("nodes", "old")?.spec?.["unschedulable"]).toBeUndefined();

  kubernetes.apply({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "third" },
    spec: {},
    status: { conditions: [{ type: "Ready", status: "True" }] },
  });
  const args = ["drain", "old", "new", "--force", "--format", "json"];
  const drained = await runCli("node-rollout", args, { env });
  expect(drained.code).toBe(0);
  expect(JSON.parse(drained.stdout).nodes).toMatchObject([
    { node: "old", result: "drained", total: 4, gone: 4 },
    { node: "new", result: "drained" },
  ]);
  expect(kubernetes.problems).toEqual([]);
});
