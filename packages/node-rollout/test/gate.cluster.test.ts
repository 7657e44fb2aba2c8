import { directNotification } from "@internal/test/aws/notifications";
import { useCluster } from "@internal/test/cluster";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defaultStartupTaint as startupTaint } from "../src/gate/readiness-config.ts";
import { eventually, makeSite, type Site, settled, stop } from "./cell.ts";
import { isThrough, keysOf, makeGatedCell, reportCondition, watchTaint } from "./gated-cell.ts";

let site: Site;
beforeAll(async () => {
  site = await makeSite(useCluster(), "gate");
});
afterAll(() => site[Symbol.asyncDispose]());

// Most of each is waiting, so they run side by side, each with a queue, a group and a node of its own.
describe.concurrent("the gate on the real API server", { timeout: 180_000 }, () => {
  test("two replicas at once: one signal when the node is ready, one untaint, the other taint stays", async () => {
    await using cell = await makeGatedCell(site, "two", "deadlineSeconds: 600");
    await using taint = await watchTaint(site, cell);
    const daemons = [cell.start({ POD_UID: "a" }), cell.start({ POD_UID: "b" })];
    await Promise.all(daemons.map((each) => each.printed(/waits: NetworkReady is absent/)));
    await reportCondition(site, cell, "False");
    await Promise.all(daemons.map((each) => each.printed(/waits: NetworkReady is False/)));
    expect(cell.aws.count("SignalResource")).toBe(0);
    await reportCondition(site, cell, "True");
    await isThrough(cell);
    await Promise.all(daemons.map(stop));
    expect(cell.aws.stacks.signals).toMatchObject([
      { uniqueId: cell.instanceId, status: "SUCCESS" },
    ]);
    expect(taint.changes()).toEqual(["tainted", "untainted"]);
    expect(await keysOf(cell)).toEqual(["example.org/0"]);
    expect(cell.aws.problems).toEqual([]);
  });

  test("a launch hook holds the instance until its node is ready; the message comes twice", async () => {
    await using cell = await makeGatedCell(site, "hook", "deadlineSeconds: 600");
    const group = cell.aws.lifecycle.groups.get(cell.group)!;
    const transition = "autoscaling:EC2_INSTANCE_LAUNCHING" as const;
    const settings = { heartbeatTimeout: 30, defaultResult: "ABANDON" } as const;
    group.hooks.push({ name: "ready", transition, ...settings });
    const [action] = cell.aws.begin(cell.group, cell.instanceId, transition);
    for (let copy = 0; copy < 2; copy += 1) await cell.queue.send(directNotification(action!));
    const daemon = cell.start();
    await daemon.printed(/waits: NetworkReady is absent/);
    expect(action).toMatchObject({ state: "waiting" });
    expect(action?.heartbeats.length).toBeGreaterThan(0);
    await reportCondition(site, cell, "True");
    await isThrough(cell);
    await settled(cell);
    await stop(daemon);
    expect(action).toMatchObject({ state: "completed", result: "CONTINUE" });
    expect(cell.aws.count("CompleteLifecycleAction")).toBe(1);
    expect(cell.aws.stacks.signals).toHaveLength(1);
    expect(cell.aws.problems).toEqual([]);
  });

  test("not ready by the deadline: FAILURE once, also over a restart, and no pods; never into a rollback", async () => {
    await using late = await makeGatedCell(site, "late", "deadlineSeconds: 3");
    await using rolling = await makeGatedCell(site, "back", "deadlineSeconds: 3");
    rolling.aws.stacks.find("back").status = "UPDATE_ROLLBACK_IN_PROGRESS";
    for (let life = 0; life < 2; life += 1) {
      const daemons = [late.start(), rolling.start()];
      await daemons[0]!.printed(/waits: not ready by the deadline/);
      await daemons[1]!.printed(/its stack rolls back/);
      await Promise.all(daemons.map(stop));
    }
    expect(late.aws.stacks.signals).toMatchObject([
      { uniqueId: late.instanceId, status: "FAILURE" },
    ]);
    expect(late.aws.count("SignalResource")).toBe(1);
    expect(rolling.aws.count("SignalResource")).toBe(0);
    expect(await keysOf(late)).toContain(startupTaint);
    expect(await keysOf(rolling)).toContain(startupTaint);
  });

  test("a node that boots again is behind the taint until it is ready again, and nobody is told twice", async () => {
    await using cell = await makeGatedCell(site, "reboot", "deadlineSeconds: 600");
    await using taint = await watchTaint(site, cell);
    const daemon = cell.start();
    await reportCondition(site, cell, "True");
    await isThrough(cell);
    await reportCondition(site, cell, "False", "boot-2");
    await eventually(() => taint.changes(), ["tainted", "untainted", "tainted"]);
    await daemon.printed(/has booted again: back behind the startup taint/);
    await daemon.printed(/waits: NetworkReady is False/);
    // Told in whole seconds: one that falls into the second of the boot does not count, so it is told again.
    const heartbeat = async () => {
      await reportCondition(site, cell, "True", "boot-2");
      return taint.changes();
    };
    await eventually(heartbeat, ["tainted", "untainted", "tainted", "untainted"]);
    await stop(daemon);
    expect(await keysOf(cell)).toEqual(["example.org/0"]);
    expect(cell.aws.count("SignalResource")).toBe(1);
    expect(cell.aws.problems).toEqual([]);
  });
});
