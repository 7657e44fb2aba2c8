/** Faults of the cluster's own parts, in one that no other test uses: one after the other. */
import { setTimeout as sleep } from "node:timers/promises";
import { type OwnCluster, startCluster, type TestNamespace } from "@internal/test/cluster";
import { afterAll, beforeAll, expect, test } from "vitest";
import { overlaps, startElection, type TestElection } from "./pods.ts";

let cluster: OwnCluster;
let namespace: TestNamespace;

beforeAll(async () => {
  cluster = await startCluster();
  namespace = await cluster.namespace("leader-sick");
});
afterAll(() => cluster[Symbol.asyncDispose]());

/** A leader and a waiter; in the end the timeline shows one leader at a time. */
async function scenario(
  lock: string,
  play: (scene: Awaited<ReturnType<typeof pair>> & { election: TestElection }) => Promise<void>,
): Promise<void> {
  await using election = await startElection(cluster, namespace, { lock });
  await play({ election, ...(await pair(election)) });
  expect(overlaps(election.timeline())).toEqual([]);
}

async function pair(election: TestElection) {
  const { lock } = election;
  const [a, b] = [await election.pod(`${lock}-a`), await election.pod(`${lock}-b`)];
  await a.lead().printed(/leads as/);
  const second = b.lead();
  await second.printed(/waiting for/);
  return { a, b, second };
}

test("garbage collector stopped: whoever waits deletes the lock of a pod that is gone", () =>
  scenario("uncollected", async ({ a, second, election }) => {
    const before = await election.read();
    cluster.controllerManager.pause();
    const began = performance.now();
    await a.remove();
    await second.printed(/leads as uncollected-b/);
    // The collector has its time first.
    expect(performance.now() - began).toBeGreaterThan(1_000);
    expect((await election.read())?.metadata.uid).not.toBe(before?.metadata.uid);
    cluster.controllerManager.resume();
  }));

test("garbage collector stopped: a StatefulSet's new pod does not take the old one's lock as its own", () =>
  scenario("stateful", async ({ a, second, election }) => {
    const before = await election.read();
    cluster.controllerManager.pause();
    await a.remove();
    const again = await election.pod(a.name);
    const third = again.lead();
    await third.printed(new RegExp(`waiting for stateful, held by pod stateful-a \\(${a.uid}\\)`));
    await Promise.race([second.printed(/leads as/), third.printed(/leads as/)]);
    expect((await election.read())?.metadata.uid).not.toBe(before?.metadata.uid);
    cluster.controllerManager.resume();
    // The collector awakes with old news of stateful-a; the new lock stays.
    await sleep(1_000);
    expect(election.timeline()).toHaveLength(3);
  }));

test("the API server is killed, its history compacted: watches that cannot go on begin anew", () =>
  scenario("compacted", async ({ a, second, election }) => {
    await cluster.apiserver.stop();
    await cluster.compact();
    await cluster.apiserver.start();
    // What was before the compaction is behind this write.
    await cluster.request("PATCH", election.path, { metadata: { annotations: { a: "b" } } });
    const log = await cluster.auditLog();
    await sleep(3_000);
    const user = `system:serviceaccount:${namespace.name}:compacted`;
    // Two watches and their lists, and a pause that grows after each attempt.
    expect(await log.count({ user })).toBeLessThan(30);
    await a.remove();
    await second.printed(/leads as compacted-b/);
    expect(second.output().stderr.match(/cannot reach/g)).toHaveLength(1);
  }));

test("the API server hangs while the lock is freed: the waiter leads when it is back", () =>
  scenario("hangs", async ({ a, second }) => {
    await a.stop();
    const removed = a.remove();
    cluster.apiserver.pause();
    await sleep(2_000);
    cluster.apiserver.resume();
    await removed;
    await second.printed(/leads as hangs-b/);
  }));

test("a namespace that is being deleted ends a candidate at once", async () => {
  await using ending = await cluster.namespace("leader-ending");
  await using election = await startElection(cluster, ending, { lock: "late" });
  const a = await election.pod("late-a");
  await a.patch({ metadata: { finalizers: ["example.com/keep"] } });
  await cluster.request("DELETE", `/api/v1/namespaces/${ending.name}`);
  const { code, stderr } = await a.lead().ended;
  expect([code, stderr]).toEqual([2, expect.stringContaining("not allowed to create configmaps")]);
  await a.patch({ metadata: { finalizers: null } });
});
