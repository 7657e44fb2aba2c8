import { directNotification } from "@internal/test/aws/notifications";
import { type RunningCli, startCli } from "@internal/test/cli";
import { startFaultProxy } from "@internal/test/fault-proxy";
import { makeFolder } from "@internal/test/folder";
import { group, hook, type RolloutWorld, startRolloutWorld } from "@internal/test/rollout-world";
import { expect, test } from "vitest";

function startRun(world: RolloutWorld, folder: string): RunningCli {
  return startCli("node-rollout", ["run", "--config", `${folder}/node-rollout.yaml`], {
    env: world.env,
  });
}

function configOf(world: RolloutWorld) {
  return {
    "node-rollout.yaml": `queueUrl: ${world.queueUrl}\ngroups: [${group}]\nvisibilitySeconds: 3\n`,
  };
}

function podsOn(world: RolloutWorld, node: string): number {
  return world.kubernetes.list("pods").filter(({ spec }) => spec?.["nodeName"] === node).length;
}

test("a terminating instance is held, cordoned, drained under its budget, completed, and its message deleted", async () => {
  await using world = await startRolloutWorld();
  using folder = makeFolder(configOf(world));
  const fewest = watchHealthy(world);
  const [action] = world.aws.begin(group, "i-old");
  await world.send(directNotification(action!));

  const run = startRun(world, folder.path);
  await run.printed(/i-old: drained/);
  run.kill("SIGTERM");
  expect((await run.ended).code).toBe(0);

  expect(world.kubernetes.get("nodes", "old")?.spec).toMatchObject({ unschedulable: true });
  expect(podsOn(world, "old")).toBe(0);
  expect(fewest()).toBe(3);
  expect(action).toMatchObject({ state: "completed", result: "CONTINUE", hook: { name: hook } });
  expect(world.aws.requests[0]?.action).toBe("RecordLifecycleActionHeartbeat");
  expect(world.aws.count("CompleteLifecycleAction")).toBe(1);
  expect(world.queued()).toEqual({ ready: 0, inFlight: 0 });
  expect(world.aws.problems).toEqual([]);
  expect(world.kubernetes.problems).toEqual([]);
});

test("SIGTERM in the middle completes nothing, and the next process finishes", async () => {
  await using world = await startRolloutWorld();
  using folder = makeFolder(configOf(world));
  const [action] = world.aws.begin(group, "i-old");
  await world.send(directNotification(action!));

  const first = startRun(world, folder.path);
  await first.printed(/evicted/);
  first.kill("SIGTERM");
  expect((await first.ended).code).toBe(0);
  expect(action?.state).toBe("waiting");

  const second = startRun(world, folder.path);
  await second.printed(/i-old: drained/);
  // The node's record told the second what to do; the message may come again later.
  await expect.poll(() => world.queued(), { timeout: 30_000 }).toEqual({ ready: 0, inFlight: 0 });
  second.kill("SIGTERM");
  await second.ended;
  expect(action?.state).toBe("completed");
  expect(world.aws.count("CompleteLifecycleAction")).toBe(1);
});

test("a lost answer to the completion is repeated and understood", async () => {
  await using world = await startRolloutWorld();
  using folder = makeFolder(configOf(world));
  let cut = false;
  world.aws.faults = ({ action }) => {
    if (action !== "CompleteLifecycleAction" || cut) return undefined;
    cut = true;
    return "cut-after";
  };
  const [action] = world.aws.begin(group, "i-old");
  await world.send(directNotification(action!));
  const run = startRun(world, folder.path);
  await run.printed(/i-old: drained/);
  run.kill("SIGTERM");
  await run.ended;
  expect(action?.state).toBe("completed");
  expect(world.aws.count("CompleteLifecycleAction", "ValidationError")).toBe(1);
  expect(world.queued()).toEqual({ ready: 0, inFlight: 0 });
});

test("a heartbeat whose connection died does not end the heartbeats: the action is held", async () => {
  await using world = await startRolloutWorld();
  using folder = makeFolder(configOf(world));
  const hooks = [{ name: hook, heartbeatTimeout: 18 }];
  world.aws.addGroup({ name: group, hooks, instances: ["i-old", "i-new"] });
  await using proxy = await startFaultProxy(world.aws.url);
  let heartbeats = 0;
  proxy.on({}, ({ body }) => {
    if (body.includes("RecordLifecycleActionHeartbeat")) heartbeats += 1;
    return heartbeats === 2 ? { kind: "black-hole" } : undefined;
  });
  const setBudget = (maxUnavailable: number) => world.kubernetes.apply(budgetOf(maxUnavailable));
  setBudget(0);
  const [action] = world.aws.begin(group, "i-old");
  await world.send(directNotification(action!));
  const run = startCli("node-rollout", ["run", "--config", `${folder.path}/node-rollout.yaml`], {
    env: { ...world.env, AWS_ENDPOINT_URL_AUTO_SCALING: proxy.url },
  });
  await expect.poll(() => heartbeats, { timeout: 120_000 }).toBeGreaterThan(3);
  setBudget(1);
  await run.printed(/i-old: drained/);
  run.kill("SIGTERM");
  expect((await run.ended).code).toBe(0);
  expect(action).toMatchObject({ state: "completed", result: "CONTINUE" });
}, 180_000);

test("another group's action is never completed, a malformed message stays, others go", async () => {
  await using world = await startRolloutWorld();
  using folder = makeFolder(configOf(world));
  world.aws.addGroup({ name: "foreign", hooks: [{ name: hook }], instances: ["i-foreign"] });
  const [action] = world.aws.begin("foreign", "i-foreign");
  await world.send(directNotification(action!));
  await world.send("no JSON");
  await world.send('{"Event":"autoscaling:TEST_NOTIFICATION"}');
  const run = startRun(world, folder.path);
  await Promise.all([
    run.printed(/none of the configured groups/),
    run.printed(/NOT_JSON/),
    run.printed(/TEST_NOTIFICATION/),
  ]);
  run.kill("SIGTERM");
  await run.ended;
  expect(action?.state).toBe("waiting");
  expect(world.aws.count("RecordLifecycleActionHeartbeat")).toBe(0);
  expect(world.aws.count("CompleteLifecycleAction")).toBe(0);
  const { ready, inFlight } = world.queued();
  expect(ready + inFlight).toBe(2);
});

test("an EC2 event drains the nodes of our groups alone; one that cannot be judged comes again", async () => {
  await using world = await startRolloutWorld();
  using folder = makeFolder(configOf(world));
  world.aws.addGroup({ name: "foreign", instances: ["i-new"] });
  world.aws.addGroup({ name: group, hooks: [{ name: hook }], instances: ["i-old"] });
  world.aws.faults = ({ action }) => (action === "DescribeAutoScalingGroups" ? "error" : undefined);
  const retirement = (...ids: string[]) =>
    JSON.stringify({
      source: "aws.health",
      "detail-type": "AWS Health Event",
      detail: {
        service: "EC2",
        eventTypeCategory: "scheduledChange",
        affectedEntities: ids.map((entityValue) => ({ entityValue })),
      },
    });
  const run = startRun(world, folder.path);
  await world.send(retirement("i-new"));
  await run.printed(/describe groups/);
  world.aws.faults = undefined;
  await run.printed(/scheduled-change of i-new, in none of the configured groups/);
  await world.send(retirement("i-new", "i-old"));
  await run.printed(/i-old: drained/);
  run.kill("SIGTERM");
  await run.ended;
  expect(world.kubernetes.get("nodes", "old")?.spec).toMatchObject({ unschedulable: true });
  expect(world.kubernetes.get("nodes", "new")?.spec?.["unschedulable"]).toBeUndefined();
  expect(podsOn(world, "old")).toBe(0);
  expect(world.queued()).toEqual({ ready: 0, inFlight: 0 });
}, 60_000);

test("a configuration that does not fit names file, line and field, and exits 2", async () => {
  using folder = makeFolder({
    "node-rollout.yaml": "queueUrl: http://127.0.0.1/1/q\ngroups: []\n",
  });
  const run = startCli("node-rollout", ["run", "--config", "node-rollout.yaml"], {
    cwd: folder.path,
  });
  const { code, stderr } = await run.ended;
  expect(code).toBe(2);
  expect(stderr).toMatch(/node-rollout\.yaml:2:1: groups: /);
});

/** The budget of the world's Deployment. */
function budgetOf(maxUnavailable: number) {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "web", namespace: "default" },
    spec: { maxUnavailable, selector: { matchLabels: { app: "web" } } },
  };
}

/** The fewest pods that were Ready at once from now on. */
function watchHealthy({ kubernetes }: RolloutWorld): () => number {
  const isReady = (pod: ReturnType<typeof kubernetes.list>[number]) => {
    const { conditions = [] } = (pod["status"] ?? {}) as { conditions?: Condition[] };
    const ready = conditions.some(({ type, status }) => type === "Ready" && status === "True");
    return ready && pod.metadata.deletionTimestamp === undefined;
  };
  const count = () => kubernetes.list("pods", "default").filter(isReady).length;
  let fewest = count();
  kubernetes.store.onChange(() => {
    fewest = Math.min(fewest, count());
  });
  return () => fewest;
}

interface Condition {
  type: string;
  status: string;
}
