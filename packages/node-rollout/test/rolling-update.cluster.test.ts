import {
  type AuditEntry,
  type OwnCluster,
  startCluster,
  type TestNamespace,
} from "@internal/test/cluster";
import {
  type RollingWorld,
  startRollingWorld,
  startupTaint,
  watchReadyEndpoints,
} from "@internal/test/rolling-world";
import { afterAll, beforeAll, expect, test } from "vitest";

let cluster: OwnCluster;
// A scheduler places the pods, kwok stands for the kubelets of all nodes.
beforeAll(async () => {
  cluster = await startCluster({ scheduler: true, kwok: true });
});
afterAll(() => cluster[Symbol.asyncDispose]());

const rule =
  "conditions: [{type: Ready, status: 'True'}, {type: NetworkReady, status: 'True'}], maxAgeSeconds: 600";

test("ten nodes are replaced: gated, signalled, untainted, the old ones drained, and the application never notices", async () => {
  await using namespace = await cluster.namespace("rolling");
  await using world = await startRollingWorld(cluster, namespace, {
    size: 10,
    readiness: `${rule}, daemonSets: [{namespace: ${namespace.name}, name: agent}], deadlineSeconds: 300`,
  });
  await deployAgent(namespace, world);
  await deploy(namespace, world, { name: "web", replicas: 20, minAvailable: 18 });
  const endpoints = await watchReadyEndpoints(cluster, namespace, "web");
  await expect.poll(endpoints.now, { timeout: 60_000 }).toBe(20);
  const measured = await watchReadyEndpoints(cluster, namespace, "web");
  const log = await cluster.auditLog();

  const update = world.update({ maxBatchSize: 2, pauseMs: 240_000 });
  expect(await update.done, update.log.join("\n")).toBe("UPDATE_COMPLETE");
  await expect.poll(world.queued, { timeout: 60_000 }).toBe(0);
  const isNew = ({ metadata }: { metadata: { name: string } }) => !metadata.name.includes("-old-");
  await expect
    .poll(async () => (await world.nodes()).map(isNew), { timeout: 60_000 })
    .toEqual(Array(10).fill(true));

  expect(measured.fewest()).toBeGreaterThanOrEqual(18);
  await expect.poll(measured.now, { timeout: 60_000 }).toBe(20);
  expect(update.problems).toEqual([]);
  expect(world.aws.problems).toEqual([]);
  expect(update.log.filter((line) => line.startsWith("SUCCESS"))).toHaveLength(10);
  expect(world.aws.lifecycle.actions.map(({ result }) => result)).toEqual(
    Array(10).fill("CONTINUE"),
  );
  for (const { metadata, spec } of await world.nodes()) {
    expect(spec.taints?.map(({ key }) => key) ?? [], metadata.name).not.toContain(startupTaint);
  }
  const entries = await log.entries({ user: world.account.user });
  expect(entries.filter(({ code }) => code === 401 || code === 403)).toEqual([]);
  expect(podsDeletedPast(entries)).toEqual([]);
  expect(evictionsOf(entries).length).toBeGreaterThanOrEqual(20);
  await Promise.all([endpoints.stop(), measured.stop()]);
}, 300_000);

test("a node that never gets ready fails the update once, and everything rolls back", async () => {
  await using namespace = await cluster.namespace("never");
  await using world = await startRollingWorld(cluster, namespace, {
    size: 3,
    readiness: `${rule}, deadlineSeconds: 6`,
  });
  await deploy(namespace, world, { name: "web", replicas: 3, minAvailable: 2 });
  const endpoints = await watchReadyEndpoints(cluster, namespace, "web");
  await expect.poll(endpoints.now, { timeout: 60_000 }).toBe(3);
  const measured = await watchReadyEndpoints(cluster, namespace, "web");

  const bad = `i-${world.group}-2`;
  const update = world.update({ maxBatchSize: 1, pauseMs: 240_000, isGood: (id) => id !== bad });
  expect(await update.done, update.log.join("\n")).toBe("UPDATE_ROLLBACK_COMPLETE");
  await expect.poll(world.queued, { timeout: 60_000 }).toBe(0);

  const failures = update.log.filter((line) => line.startsWith("FAILURE"));
  expect(failures).toEqual([`FAILURE ${bad}`]);
  expect(world.aws.count("SignalResource")).toBe(
    update.log.filter((line) => /^(SUCCESS|FAILURE)/.test(line)).length,
  );
  // After the failure only what the rollback needs is launched: the one old node that had gone.
  const after = update.log.slice(update.log.indexOf(`FAILURE ${bad}`) + 1);
  expect(after.filter((line) => line.startsWith("launch"))).toHaveLength(1);
  expect(measured.fewest()).toBeGreaterThanOrEqual(2);
  expect(update.problems).toEqual([]);
  await Promise.all([endpoints.stop(), measured.stop()]);
}, 300_000);

test("pods that a budget holds back and that fit only on the new node get it before the signal", async () => {
  await using namespace = await cluster.namespace("brake");
  await using world = await startRollingWorld(cluster, namespace, {
    size: 3,
    readiness: `${rule}, deadlineSeconds: 240, maxDraining: 0`,
  });
  // One pod of each a node, and no more than one of the six away: the second cannot leave before the first has a place.
  for (const name of ["a", "b"]) {
    await deploy(namespace, world, { name, replicas: 3, alone: true, tier: "both" });
  }
  await createBudget(namespace, { name: "both", minAvailable: 5, labels: { tier: "both" } });
  const endpoints = await Promise.all(
    ["a", "b"].map((name) => watchReadyEndpoints(cluster, namespace, name)),
  );
  await expect.poll(() => endpoints.map(({ now }) => now()), { timeout: 60_000 }).toEqual([3, 3]);
  const measured = await watchReadyEndpoints(cluster, namespace, "a");
  const order: string[] = [];
  const log = await cluster.auditLog();
  const update = world.update({ maxBatchSize: 1, surge: false, pauseMs: 240_000 });
  const note = world.aws.stacks.onSignal;
  world.aws.stacks.onSignal = (signal) => {
    const draining = world.aws.lifecycle.actions.filter(({ state }) => state === "waiting");
    order.push(`${signal.uniqueId} while ${draining.length} drain`);
    note?.(signal);
  };
  expect(await update.done, update.log.join("\n")).toBe("UPDATE_COMPLETE");

  expect(order).toEqual([1, 2, 3].map((n) => `i-${world.group}-${n} while 0 drain`));
  // The daemon changes a node three times before the last answer: noted, untainted, its verdict, told.
  const changes = await log.entries({ user: world.account.user, resource: "nodes", verb: "patch" });
  for (const { uniqueId, at } of world.aws.stacks.signals) {
    const name = uniqueId.slice(2);
    const before = changes.filter((entry) => entry.name === name && entry.at.getTime() < at);
    expect(before.filter(({ code }) => code === 200).length, name).toBeGreaterThanOrEqual(3);
  }
  expect(world.daemon.output().stderr).toMatch(/still drain, at most 0 may/);
  expect(measured.fewest()).toBeGreaterThanOrEqual(2);
  await Promise.all([...endpoints, measured].map((each) => each.stop()));
}, 300_000);

/** Pods that were deleted past their budget. */
function podsDeletedPast(entries: AuditEntry[]): AuditEntry[] {
  return entries.filter(({ verb, resource }) => verb === "delete" && resource === "pods");
}

function evictionsOf(entries: AuditEntry[]): AuditEntry[] {
  return entries.filter(({ resource, code }) => resource === "pods/eviction" && code === 201);
}

interface Application {
  name: string;
  replicas: number;
  minAvailable?: number;
  /** No two of it on one node. */
  alone?: boolean;
  tier?: string;
}

async function deploy(
  namespace: TestNamespace,
  { nodeSelector }: RollingWorld,
  { name, replicas, minAvailable, alone, tier = name }: Application,
): Promise<void> {
  const labels = { app: name, tier };
  const selector = { matchLabels: { app: name } };
  const apart = { labelSelector: selector, topologyKey: "kubernetes.io/hostname" };
  const affinity = {
    podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [apart] },
  };
  const containers = [{ name: "main", image: "example.org/none" }];
  const metadata = { name, namespace: namespace.name };
  await cluster.create({
    ...{ apiVersion: "apps/v1", kind: "Deployment", metadata },
    spec: {
      ...{ replicas, selector },
      // A replacement that is never placed would not be a rollout of the Deployment's own.
      strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
      template: {
        metadata: { labels },
        spec: { containers, nodeSelector, ...(alone && { affinity }) },
      },
    },
  });
  await cluster.create({
    ...{ apiVersion: "v1", kind: "Service", metadata },
    spec: { selector: { app: name }, ports: [{ port: 80 }] },
  });
  if (minAvailable !== undefined) {
    await createBudget(namespace, { name, minAvailable, labels: { app: name } });
  }
}

async function createBudget(
  { name: where }: TestNamespace,
  budget: { name: string; minAvailable: number; labels: Record<string, string> },
): Promise<void> {
  const { name, minAvailable, labels } = budget;
  await cluster.create({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name, namespace: where },
    spec: { minAvailable, selector: { matchLabels: labels } },
  });
}

/** What must run on a node before it takes anything else; it comes in spite of the taint. */
async function deployAgent(
  { name: namespace }: TestNamespace,
  { nodeSelector }: RollingWorld,
): Promise<void> {
  const labels = { app: "agent" };
  const containers = [{ name: "main", image: "example.org/none" }];
  const tolerations = [{ key: startupTaint, operator: "Exists" }];
  await cluster.create({
    ...{ apiVersion: "apps/v1", kind: "DaemonSet", metadata: { name: "agent", namespace } },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers, nodeSelector, tolerations } },
    },
  });
}
