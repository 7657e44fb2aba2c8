import { setTimeout as sleep } from "node:timers/promises";
import {
  directNotification,
  eventBridgeNotification,
  snsEnvelope,
} from "@internal/test/aws/notifications";
import { type AuditLog, useCluster } from "@internal/test/cluster";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Cell,
  type CellOptions,
  eventually,
  evictionsOf,
  finished,
  makeCell,
  makeSite,
  recordOf,
  type Site,
  settled,
  stop,
} from "./cell.ts";

/** How long the API server is away; by hand `OUTAGE_SECONDS=90`. */
const outageSeconds = Number(process.env["OUTAGE_SECONDS"] ?? 12);

let site: Site;
let log: AuditLog;
beforeAll(async () => {
  site = await makeSite(useCluster(), "daemon");
  log = await site.cluster.auditLog();
});
afterAll(() => site[Symbol.asyncDispose]());

// Most of each is waiting, so they run side by side, each with a queue, a group and a node of its own.
describe.concurrent("the daemon on the real API server", { timeout: 300_000 }, () => {
  test("two replicas, three messages for each of two hooks: one drains, every action is completed once", async () => {
    await using cell = await makeCell(site, "two", { hooks: ["drain", "save-logs"], pods: 4 });
    await using daemons = start(cell, ["a", "b"]);
    const ways = (action: Parameters<typeof directNotification>[0]) => [
      directNotification(action),
      eventBridgeNotification(action),
      snsEnvelope(directNotification(action)),
    ];
    await cell.terminate(ways);
    await finished(cell);
    await daemons.stop();
    expect(cell.aws.count("CompleteLifecycleAction")).toBe(2);
    expect(await evictionsOf(cell, site, log)).toEqual(cell.pods.map(() => 1));
    expect(cell.aws.problems).toEqual([]);
  });

  test("the replica that drains is killed: the other one takes the node over", async () => {
    await using cell = await makeCell(site, "heir", { pods: 3 });
    await using daemons = start(cell, ["a", "b"]);
    // The first eviction is held until its sender is dead, so that there is something left to do.
    const draining = Promise.withResolvers<void>();
    const dead = Promise.withResolvers<void>();
    cell.onRequest(async (when, { exchange }) => {
      if (when !== "before" || !exchange.path.endsWith("/eviction")) return false;
      draining.resolve();
      await dead.promise;
      return true;
    });
    await cell.terminate();
    await draining.promise;
    const holder = (await recordOf(cell))?.holder;
    const first = daemons.all.find(({ uid }) => uid === holder);
    first?.daemon.kill("SIGKILL");
    await first?.daemon.ended;
    cell.onRequest(undefined);
    dead.resolve();
    await finished(cell);
    await daemons.stop(first?.uid);
    expect(holder).toMatch(/^[ab]-heir$/);
    expect(cell.aws.count("CompleteLifecycleAction")).toBe(1);
    expect(await evictionsOf(cell, site, log)).toEqual(cell.pods.map(() => 1));
    expect(cell.aws.problems).toEqual([]);
  });

  test(`the API server is away for ${outageSeconds} s: no heartbeat is missed, and the drain goes on`, async () => {
    await using cell = await makeCell(site, "outage", { heartbeatTimeout: 30 });
    await using daemons = start(cell, ["a"]);
    const evicting = cell.proxies.kubernetes.next({ path: "/eviction" });
    const [action] = await cell.terminate();
    await evicting;
    cell.proxies.kubernetes.on({}, { kind: "cut-before" });
    cell.proxies.kubernetes.cut();
    const began = Date.now();
    await sleep(outageSeconds * 1000);
    expect(action?.heartbeats.filter((at) => at > began).length).toBeGreaterThan(0);
    cell.proxies.kubernetes.clear();
    await finished(cell);
    await daemons.stop();
    expect(action).toMatchObject({ state: "completed", result: "CONTINUE" });
  });

  test("SIGTERM in the middle of an eviction: its answer is awaited, the budget is left as it should be", async () => {
    await using cell = await makeCell(site, "sigterm");
    await using daemons = start(cell, ["a"]);
    cell.proxies.kubernetes.on({ path: "/eviction" }, { kind: "delay", ms: 2000 });
    const evicting = cell.proxies.kubernetes.next({ path: "/eviction" });
    await cell.terminate();
    const eviction = await evicting;
    await daemons.stop();
    expect(eviction.status).toBe(201);
    expect((await recordOf(cell))?.holder).toBeUndefined();
    const evictions = await evictionsOf(cell, site, log);
    expect(evictions.reduce((sum, count) => sum + count)).toBe(1);
    await eventually(() => disruptedPods(cell), []);
  });

  test("SIGTERM while the API server is a black hole: the process ends, and the next one goes on", async () => {
    await using cell = await makeCell(site, "hole");
    const first = cell.start({ POD_UID: "first" });
    cell.proxies.kubernetes.on({ path: "/eviction" }, { kind: "black-hole" });
    const evicting = cell.proxies.kubernetes.next({ path: "/eviction" });
    await cell.terminate();
    await evicting;
    cell.proxies.kubernetes.on({}, { kind: "black-hole" });
    await stop(first);
    cell.proxies.kubernetes.clear();
    await using daemons = start(cell, ["a"]);
    await finished(cell);
    await daemons.stop();
    expect(cell.aws.count("CompleteLifecycleAction")).toBe(1);
    expect(await evictionsOf(cell, site, log)).toEqual(cell.pods.map(() => 1));
  });

  test("Auto Scaling throttles, fails and loses answers, and every message comes twice", async () => {
    await using cell = await makeCell(site, "throttled");
    const faults = ["throttle", "cut-after", undefined, "error", "cut-before", undefined] as const;
    cell.aws.faults = ({ index }) => faults[index % faults.length];
    await using daemons = start(cell, ["a"]);
    const [action] = await cell.terminate((each) => {
      const body = directNotification(each);
      return [body, body];
    });
    await finished(cell);
    await daemons.stop();
    expect(action).toMatchObject({ state: "completed", result: "CONTINUE" });
    expect(await evictionsOf(cell, site, log)).toEqual(cell.pods.map(() => 1));
    expect(cell.aws.problems).toEqual([]);
  });

  test("a message that never came: the instance is found among those that wait", async () => {
    await using cell = await makeCell(site, "lost");
    await using daemons = start(cell, ["a"]);
    const [action] = await cell.terminate(() => []);
    await finished(cell);
    await daemons.stop();
    expect(action).toMatchObject({ state: "completed", result: "CONTINUE" });
    expect(await evictionsOf(cell, site, log)).toEqual(cell.pods.map(() => 1));
    expect(cell.aws.problems).toEqual([]);
  });

  test("a node that is deleted while it drains has nothing left to wait for", async () => {
    await using cell = await makeCell(site, "deleted");
    await using daemons = start(cell, ["a"]);
    cell.proxies.kubernetes.on({ path: "/eviction" }, { kind: "answer", status: 429, body: {} });
    const evicting = cell.proxies.kubernetes.next({ path: "/eviction" });
    const [action] = await cell.terminate();
    await evicting;
    await site.cluster.request("DELETE", `/api/v1/nodes/${cell.node}`);
    await daemons.all[0]?.daemon.printed(/: node-gone/);
    await settled(cell);
    await daemons.stop();
    expect(action).toMatchObject({ state: "completed", result: "CONTINUE" });
  });

  test("an instance that is no node is held for its time and then let go; a malformed message ends with the dead letters", async () => {
    const options: CellOptions = { config: "unknownInstanceSeconds: 6", maxReceiveCount: 2 };
    await using cell = await makeCell(site, "unknown", options);
    await using daemons = start(cell, ["a"]);
    await cell.queue.send('{"LifecycleTransition":"autoscaling:EC2_INSTANCE_TERMINATING"}');
    const [action] = cell.aws.begin(cell.group, "i-0unknown");
    await cell.queue.send(directNotification(action!));
    await settled(cell);
    await eventually(() => cell.queue.dead(), 1);
    await daemons.stop();
    expect(action).toMatchObject({ state: "completed", result: "CONTINUE" });
    expect((action?.endedAt ?? 0) - (action?.startedAt ?? 0)).toBeGreaterThanOrEqual(6000);
    expect(action?.heartbeats.length).toBeGreaterThan(0);
  });
});

/** The pods on the books of the cell's budget. */
async function disruptedPods(cell: Cell): Promise<string[]> {
  const path = `/apis/policy/v1/namespaces/${site.namespace.name}/poddisruptionbudgets/${cell.name}`;
  const { status } = await site.cluster.request<{ status: { disruptedPods?: object } }>(
    "GET",
    path,
  );
  return Object.keys(status.disruptedPods ?? {});
}

/** Daemons as processes of their own, stopped at the end whatever happens. */
function start(cell: Cell, names: string[]) {
  const all = names.map((name) => {
    const uid = `${name}-${cell.name}`;
    return { uid, daemon: cell.start({ POD_UID: uid }) };
  });
  const stopAll = async (except?: string) => {
    for (const { uid, daemon } of all) if (uid !== except) await stop(daemon);
  };
  return {
    all,
    stop: stopAll,
    async [Symbol.asyncDispose]() {
      for (const { daemon } of all) daemon.kill("SIGKILL");
      await Promise.all(all.map(({ daemon }) => daemon.ended));
    },
  };
}
