import { runCli } from "@internal/test/cli";
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
