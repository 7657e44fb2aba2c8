import { directNotification } from "@internal/test/aws/notifications";
import { startFaultProxy } from "@internal/test/fault-proxy";
import { expect, test } from "vitest";
import { type GateWorld, startGateWorld, stop } from "./gate-world.ts";

const launching = "autoscaling:EC2_INSTANCE_LAUNCHING" as const;

/** A hook that holds new instances of the group, and what it notifies. */
function addLaunchHook({ world }: GateWorld, name: string, target?: string): void {
  world.aws.lifecycle.groups.get("workers")!.hooks.push({
    ...{ name, transition: launching, heartbeatTimeout: 30, defaultResult: "ABANDON" },
    ...(target !== undefined && { target: `arn:aws:${target}` }),
  });
}

test("a new node is noted, signalled when it is ready, and only then untainted", async () => {
  await using gate = await startGateWorld("deadlineSeconds: 600");
  const { world } = gate;
  gate.join("fresh", { ready: false });
  const run = gate.run();
  await run.printed(/fresh waits: Ready is False \(NoNetwork\), expected True/);
  expect(gate.isTainted("fresh")).toBe(true);
  let taintedAtSignal: boolean | undefined;
  world.aws.stacks.onSignal = () => {
    taintedAtSignal = gate.isTainted("fresh");
  };
  gate.report("fresh", true);
  await gate.until(() => !gate.isTainted("fresh"));

  expect(world.aws.stacks.signals).toMatchObject([
    { stack: "stack", resource: "Workers", uniqueId: "i-fresh", status: "SUCCESS" },
  ]);
  expect(taintedAtSignal).toBe(true);
  expect(gate.record("fresh")?.told?.result).toBe("good");
  expect(await stop(run)).toBe(0);
  expect(world.aws.count("SignalResource")).toBe(1);
  expect(world.aws.problems).toEqual([]);
  expect(world.kubernetes.problems).toEqual([]);
});

test("a node that is not ready by the deadline is signalled FAILURE once, and takes no pods", async () => {
  await using gate = await startGateWorld("deadlineSeconds: 2");
  const { world } = gate;
  gate.join("fresh", { ready: false });
  const run = gate.run();
  await run.printed(/fresh waits: not ready by the deadline/);
  expect(await stop(run)).toBe(0);
  // Another process does not tell it again.
  const second = gate.run();
  await second.printed(/fresh waits: not ready by the deadline/);
  expect(await stop(second)).toBe(0);
  expect(world.aws.stacks.signals).toMatchObject([{ uniqueId: "i-fresh", status: "FAILURE" }]);
  expect(world.aws.count("SignalResource")).toBe(1);
  expect(gate.isTainted("fresh")).toBe(true);
});

test("no failure is signalled into a rollback", async () => {
  await using gate = await startGateWorld("deadlineSeconds: 1");
  const { world } = gate;
  gate.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS";
  gate.join("fresh", { ready: false });
  const run = gate.run();
  await run.printed(/fresh waits: .*its stack rolls back/);
  expect(await stop(run)).toBe(0);
  expect(world.aws.count("SignalResource")).toBe(0);
});

test("nodes that no update waits for are untainted without a signal", async () => {
  await using gate = await startGateWorld("deadlineSeconds: 600");
  const { world } = gate;
  gate.join("early");
  gate.stack.updatedAt = Date.now() + 60_000; // the update begins after the node
  const run = gate.run();
  await gate.until(() => !gate.isTainted("early"));
  gate.stack.status = "UPDATE_COMPLETE";
  gate.join("scaled-out");
  await gate.until(() => !gate.isTainted("scaled-out"));
  expect(gate.record("early")?.told?.result).toBe("nobody");
  expect(gate.record("scaled-out")?.told?.result).toBe("nobody");
  expect(await stop(run)).toBe(0);
  expect(world.aws.count("SignalResource")).toBe(0);
});

test("an update that ends before the signal comes is no failure", async () => {
  await using gate = await startGateWorld("deadlineSeconds: 600");
  const { world } = gate;
  world.aws.around = (when, action) => {
    if (when === "before" && action === "SignalResource") gate.stack.status = "UPDATE_COMPLETE";
  };
  gate.join("fresh");
  const run = gate.run();
  await run.printed(/fresh is ready and takes pods/);
  expect(await stop(run)).toBe(0);
  expect(world.aws.count("SignalResource", "ValidationError")).toBe(1);
  expect(gate.isTainted("fresh")).toBe(false);
});

test("a launch hook is held until the node is ready, then answered, and its message deleted", async () => {
  await using gate = await startGateWorld("deadlineSeconds: 600");
  const { world } = gate;
  gate.stack.status = "UPDATE_COMPLETE";
  addLaunchHook(gate, "ready");
  const [action] = world.aws.begin("workers", "i-fresh", launching);
  await world.send(directNotification(action!));
  const run = gate.run();
  await run.printed(/i-fresh waits: it is no node yet/);
  gate.join("fresh", { ready: false });
  world.aws.lifecycle.groups.get("workers")!.instances.get("i-fresh")!.state = "Pending:Wait";
  await run.printed(/fresh waits: Ready is False/);
  expect(action?.heartbeats.length).toBeGreaterThan(0);
  gate.report("fresh", true);
  await gate.until(() => !gate.isTainted("fresh"));
  await expect.poll(world.queued, { timeout: 30_000 }).toEqual({ ready: 0, inFlight: 0 });
  expect(action).toMatchObject({ state: "completed", result: "CONTINUE" });
  expect(await stop(run)).toBe(0);
  expect(world.aws.count("CompleteLifecycleAction")).toBe(1);
});

test("while the groups cannot be read nothing is told: the stack that waits still gets its signal", async () => {
  await using gate = await startGateWorld("deadlineSeconds: 600");
  const { world } = gate;
  addLaunchHook(gate, "ready");
  const [action] = world.aws.begin("workers", "i-fresh", launching);
  gate.join("fresh", { state: "Pending:Wait" });
  world.aws.faults = ({ action: name }) =>
    name === "DescribeAutoScalingGroups" ? "error" : undefined;
  await world.send(directNotification(action!));
  const run = gate.run();
  await run.printed(/describe groups/);
  await gate.until(() => !gate.isTainted("fresh"));
  await run.printed(/fresh waits: its stack does not answer/);
  expect(action?.state).toBe("waiting");
  world.aws.faults = undefined;
  await expect.poll(() => world.aws.count("SignalResource"), { timeout: 30_000 }).toBe(1);
  await expect.poll(world.queued, { timeout: 30_000 }).toEqual({ ready: 0, inFlight: 0 });
  expect(await stop(run)).toBe(0);
  expect(action).toMatchObject({ state: "completed", result: "CONTINUE" });
  expect(world.aws.stacks.signals).toMatchObject([{ uniqueId: "i-fresh", status: "SUCCESS" }]);
}, 90_000);

test.each([
  ["our queue", "sqs:eu-west-1:000000000000:lifecycle"],
  ["a topic, which SNS carries to our queue", "sns:eu-west-1:000000000000:lifecycle"],
  ["nobody, so that EventBridge carries it", undefined],
])(
  "a launch hook that notifies %s is taken up although its message got lost; one for another queue is not",
  async (_where, target) => {
    await using gate = await startGateWorld("deadlineSeconds: 600", "reconcileSeconds: 1");
    const { world } = gate;
    gate.stack.status = "UPDATE_COMPLETE";
    addLaunchHook(gate, "ready", target);
    addLaunchHook(gate, "theirs", "sqs:eu-west-1:000000000000:prepare");
    const [ours, theirs] = world.aws.begin("workers", "i-fresh", launching);
    const run = gate.run();
    await gate.until(() => (ours?.heartbeats.length ?? 0) > 0);
    // The message was only late: it is about the same action.
    await world.send(directNotification(ours!));
    await run.printed(/message taken/);
    gate.join("fresh", { state: "Pending:Wait" });
    await gate.until(() => !gate.isTainted("fresh"));
    await expect.poll(world.queued, { timeout: 30_000 }).toEqual({ ready: 0, inFlight: 0 });
    expect(ours).toMatchObject({ state: "completed", result: "CONTINUE" });
    expect(await stop(run)).toBe(0);
    expect(world.aws.count("CompleteLifecycleAction")).toBe(1);
    expect(world.aws.count("CompleteLifecycleAction", "ValidationError")).toBe(0);
    expect(theirs).toMatchObject({ state: "waiting", heartbeats: [] });
  },
);

test("where readiness.hooks names the launch hooks that are ours, others are left alone, heard of or not", async () => {
  await using gate = await startGateWorld(
    "deadlineSeconds: 600, hooks: [ready]",
    "reconcileSeconds: 1",
  );
  const { world } = gate;
  gate.stack.status = "UPDATE_COMPLETE";
  addLaunchHook(gate, "bootstrap");
  addLaunchHook(gate, "ready");
  const [theirs, ours] = world.aws.begin("workers", "i-fresh", launching);
  await world.send(directNotification(theirs!));
  const run = gate.run();
  await run.printed(/message foreign: bootstrap is none of the configured hooks/);
  gate.join("fresh", { state: "Pending:Wait" });
  await gate.until(() => ours?.state === "completed");
  expect(await stop(run)).toBe(0);
  expect(theirs).toMatchObject({ state: "waiting", heartbeats: [] });
});

test("a launch hook whose instance never becomes a node is answered ABANDON", async () => {
  await using gate = await startGateWorld("deadlineSeconds: 2");
  const { world } = gate;
  gate.stack.status = "UPDATE_COMPLETE";
  addLaunchHook(gate, "ready");
  const [action] = world.aws.begin("workers", "i-fresh", launching);
  await world.send(directNotification(action!));
  const run = gate.run();
  await gate.until(() => action?.state === "completed");
  await expect.poll(world.queued, { timeout: 30_000 }).toEqual({ ready: 0, inFlight: 0 });
  expect(action).toMatchObject({ state: "completed", result: "ABANDON" });
  expect(await stop(run)).toBe(0);
  expect(world.aws.count("CompleteLifecycleAction")).toBe(1);
});

test("while too many nodes drain a ready node is untainted first, and signalled when they are done", async () => {
  await using gate = await startGateWorld("deadlineSeconds: 600, maxDraining: 0");
  const { world } = gate;
  // The pods of the old node have nowhere to go but behind the taint.
  world.kubernetes.apply({
    ...world.kubernetes.get("nodes", "new")!,
    spec: { providerID: "aws:///eu-west-1a/i-new", unschedulable: true },
  });
  const [action] = world.aws.begin("workers", "i-old");
  await world.send(directNotification(action!));
  gate.join("fresh", { ready: false });
  const run = gate.run();
  await run.printed(/draining old/);
  let signalledWhile: string | undefined;
  world.aws.stacks.onSignal = () => {
    signalledWhile = action?.state;
  };
  gate.report("fresh", true);
  await run.printed(/fresh waits: 1 nodes of workers still drain, at most 0 may/);
  await gate.until(() => !gate.isTainted("fresh"));
  await gate.until(() => world.aws.stacks.signals.length > 0);
  expect(signalledWhile).toBe("completed");
  expect(await stop(run)).toBe(0);
  expect(gate.record("fresh")?.told?.result).toBe("good");
});

test("a held signal is sent before the pause time ends", async () => {
  await using gate = await startGateWorld(
    "deadlineSeconds: 600, pauseTimeSeconds: 10, maxDraining: 0",
  );
  const { world } = gate;
  world.aws.begin("workers", "i-old"); // nobody drains it
  const run = gate.run();
  await run.printed(/started/);
  const signalled = Promise.withResolvers<boolean>();
  world.aws.stacks.onSignal = () => signalled.resolve(gate.isTainted("fresh"));
  const joinedAt = Date.now();
  gate.join("fresh");
  // Pods were let in long before.
  expect(await signalled.promise).toBe(false);
  expect(Date.now() - joinedAt).toBeGreaterThanOrEqual(8000);
  expect(world.aws.stacks.signals).toMatchObject([{ uniqueId: "i-fresh", status: "SUCCESS" }]);
  expect(await stop(run)).toBe(0);
});

test("a ready node takes pods although nothing can be learnt of the drains; its answer waits for that", async () => {
  await using gate = await startGateWorld("deadlineSeconds: 600");
  const { kubernetes, aws } = gate.world;
  await using proxy = await startFaultProxy(kubernetes.url, { upstreamCa: kubernetes.ca });
  const mend = proxy.on({ path: /status\.phase/ }, { kind: "answer", status: 500 });
  const run = gate.run({
    KUBECONFIG: kubernetes.kubeconfigFile({ server: proxy.url, ca: proxy.ca! }),
  });
  await run.printed(/started/);
  gate.join("fresh");
  await gate.until(() => !gate.isTainted("fresh"));
  expect(aws.count("SignalResource")).toBe(0);
  mend();
  await gate.until(() => gate.record("fresh")?.told?.result === "good");
  expect(await stop(run)).toBe(0);
  expect(aws.count("SignalResource")).toBe(1);
});

test("a node that boots again is tainted again and evaluated anew, and told to nobody", async () => {
  await using gate = await startGateWorld("deadlineSeconds: 600");
  const { world } = gate;
  gate.join("fresh");
  const run = gate.run();
  await gate.until(() => !gate.isTainted("fresh"));
  gate.report("fresh", false, "boot-2");
  await gate.until(() => gate.isTainted("fresh"));
  expect(gate.record("fresh")?.bootId).toBe("boot-2");
  gate.report("fresh", true, "boot-2");
  await gate.until(() => !gate.isTainted("fresh"));
  expect(await stop(run)).toBe(0);
  expect(world.aws.count("SignalResource")).toBe(1);
});

test("nodes of other groups, and nodes that never carried the taint, are left alone", async () => {
  await using gate = await startGateWorld("deadlineSeconds: 1");
  const { world } = gate;
  gate.join("foreign");
  world.aws.lifecycle.groups.get("workers")!.instances.delete("i-foreign");
  gate.join("ours");
  const run = gate.run();
  await gate.until(() => !gate.isTainted("ours"));
  expect(await stop(run)).toBe(0);
  expect(gate.isTainted("foreign")).toBe(true);
  expect(gate.record("foreign")).toBeUndefined();
  expect(gate.record("old")).toBeUndefined();
});

test("two replicas at once come to one answer for each node", async () => {
  await using gate = await startGateWorld("deadlineSeconds: 5");
  const { world } = gate;
  const runs = [gate.run(), gate.run()];
  await Promise.all(runs.map((run) => run.printed(/started/)));
  for (const name of ["a", "b", "c"]) gate.join(name);
  gate.join("bad", { ready: false });
  for (const name of ["a", "b", "c"]) await gate.until(() => !gate.isTainted(name));
  await gate.until(() => gate.record("bad")?.told !== undefined);
  expect(await Promise.all(runs.map(stop))).toEqual([0, 0]);
  const told = world.aws.stacks.signals.map(({ uniqueId, status }) => `${uniqueId} ${status}`);
  expect(told.sort()).toEqual(["i-a SUCCESS", "i-b SUCCESS", "i-bad FAILURE", "i-c SUCCESS"]);
  expect(gate.isTainted("bad")).toBe(true);
  expect(gate.record("bad")?.told?.result).toBe("bad");
  expect(world.kubernetes.problems).toEqual([]);
});
