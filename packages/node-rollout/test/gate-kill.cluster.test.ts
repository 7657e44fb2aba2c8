import { setTimeout as sleep } from "node:timers/promises";
import type { RunningCli } from "@internal/test/cli";
import { type KubernetesObject, useCluster } from "@internal/test/cluster";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defaultStartupTaint as startupTaint } from "../src/gate/readiness-config.ts";
import { type Cell, eventually, makeCell, makeSite, type Site, stop } from "./cell.ts";

let site: Site;
beforeAll(async () => {
  site = await makeSite(useCluster(), "gate-kill");
});
afterAll(() => site[Symbol.asyncDispose]());

interface Node extends KubernetesObject {
  metadata: KubernetesObject["metadata"] & { annotations?: Record<string, string> };
  spec: { taints?: { key: string }[] };
}

/** How many run at once: most of a case is waiting for a process to start. */
const lanes = 6;

// As kill.cluster.test.ts does it for the drain: killed before and after each request, until the node takes pods.
test("SIGKILL at every request of the gate: one signal, one untaint, no other writer's taint lost", async () => {
  let last = Number.POSITIVE_INFINITY;
  let next = 1;
  let killed = 0;
  const lane = async () => {
    while (next <= last) {
      const n = next++;
      for (const when of ["before", "after"] as const) {
        const { reached, seen } = await killAt(n, when);
        if (reached) killed += 1;
        if (seen < n) last = Math.min(last, n - 1);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  console.log(`killed ${killed} times, before and after each of ${last} requests`);
  expect(last).toBeGreaterThan(8);
}, 900_000);

/** Kills a daemon at its n-th request, if it comes so far before the node is through, and lets another one finish. */
async function killAt(
  n: number,
  when: "before" | "after",
): Promise<{ reached: boolean; seen: number }> {
  const name = `${when}-${n}`;
  await using cell = await makeGatedCell(name);
  await using others = writeTaints(cell);
  await using taints = await watchTaints(cell);
  let first: RunningCli | undefined;
  let reached = false;
  let seen = 0;
  const killing = Promise.withResolvers<void>();
  cell.onRequest(async (moment, request) => {
    seen = Math.max(seen, request.n);
    if (reached || moment !== when || request.n !== n || first === undefined) return reached;
    reached = true;
    first.kill("SIGKILL");
    await first.ended;
    killing.resolve();
    return true;
  });
  first = cell.start();
  await Promise.race([killing.promise, isThrough(cell)]);
  cell.onRequest(undefined);
  if (!reached) await stop(first);
  else {
    const second = cell.start();
    await isThrough(cell).catch((cause: unknown) => {
      throw new Error(`${name}: ${second.output().stderr}`, { cause });
    });
    await stop(second);
  }
  expect(cell.aws.stacks.signals, name).toMatchObject([
    { uniqueId: cell.instanceId, status: "SUCCESS" },
  ]);
  // Only where the answer, or the note of it, was lost with the process it is sent again.
  expect(cell.aws.count("SignalResource"), name).toBeLessThanOrEqual(reached ? 2 : 1);
  expect(cell.aws.problems, name).toEqual([]);
  const written = await others.stop();
  expect(written.length, name).toBeGreaterThan(1);
  expect((await keysOf(cell)).filter((key) => key.startsWith("example.org/"))).toEqual(written);
  await eventually(() => taints.changes(), ["tainted", "untainted"]);
  return { reached, seen };
}

/** A new instance behind the startup taint, of a group whose stack waits for it. */
async function makeGatedCell(name: string): Promise<Cell> {
  const cell = await makeCell(site, name, {
    ...{ pods: 0, taints: [startupTaint, "example.org/0"] },
    config: "readiness: {conditions: [{type: Ready, status: 'True'}], deadlineSeconds: 600}",
  });
  const stack = { name, status: "UPDATE_IN_PROGRESS", resources: ["Workers"] };
  cell.aws.addStack({ ...stack, updatedAt: Date.now() - 60_000 });
  Object.assign(cell.aws.lifecycle.groups.get(cell.group)!.tags, {
    "aws:cloudformation:stack-name": name,
    "aws:cloudformation:logical-id": "Workers",
  });
  return cell;
}

async function isThrough(cell: Cell): Promise<void> {
  const isDone = async () => {
    const { metadata, spec } = (await cell.nodeObject()) as Node;
    const isTainted = spec.taints?.some(({ key }) => key === startupTaint) ?? false;
    return !isTainted && (metadata.annotations?.["node-rollout/gate"] ?? "").includes('"told"');
  };
  await eventually(isDone, true);
}

async function keysOf(cell: Cell): Promise<string[]> {
  return (((await cell.nodeObject()) as Node).spec.taints ?? []).map(({ key }) => key);
}

/** Another writer, who adds taints of its own all the time and says, as the kubelet would, that the node is ready. */
function writeTaints({ node }: Cell) {
  const written = ["example.org/0"];
  const stopping = new AbortController();
  const path = `/api/v1/nodes/${node}`;
  const strategic = { contentType: "application/strategic-merge-patch+json" };
  const write = async () => {
    while (!stopping.signal.aborted) {
      const lastHeartbeatTime = new Date().toISOString();
      const conditions = [{ type: "Ready", status: "True", lastHeartbeatTime }];
      await site.cluster.request("PATCH", `${path}/status`, { status: { conditions } }, strategic);
      const key = `example.org/${written.length}`;
      const value = { key, effect: "PreferNoSchedule" };
      const add = [{ op: "add", path: "/spec/taints/-", value }];
      await site.cluster.request("PATCH", path, add, {
        contentType: "application/json-patch+json",
      });
      written.push(key);
      await sleep(200, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const writing = write();
  const stopWriting = async () => {
    stopping.abort();
    await writing;
    return written;
  };
  return { stop: stopWriting, [Symbol.asyncDispose]: async () => void (await stopWriting()) };
}

/** What became of the startup taint, by every event of the API server. */
async function watchTaints(cell: Cell) {
  const stopping = new AbortController();
  const { metadata } = await cell.nodeObject();
  const version = metadata["resourceVersion"] as string;
  const query = `fieldSelector=metadata.name%3D${cell.node}&watch=1&resourceVersion=${version}`;
  const seen = ["tainted"];
  const watch = async () => {
    const events = site.cluster.watch<Node>(`/api/v1/nodes?${query}`, stopping.signal);
    for await (const { object } of events) {
      const isTainted = object.spec.taints?.some(({ key }) => key === startupTaint);
      const now = isTainted ? "tainted" : "untainted";
      if (seen.at(-1) !== now) seen.push(now);
    }
  };
  const watching = watch().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  return {
    changes: () => seen,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await watching;
    },
  };
}
