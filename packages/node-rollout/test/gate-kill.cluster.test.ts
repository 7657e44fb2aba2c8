import { setTimeout as sleep } from "node:timers/promises";
import type { RunningCli } from "@internal/test/cli";
import { useCluster } from "@internal/test/cluster";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cell, eventually, makeSite, type Site, stop } from "./cell.ts";
import { isThrough, keysOf, makeGatedCell, reportCondition, watchTaint } from "./gated-cell.ts";

let site: Site;
beforeAll(async () => {
  site = await makeSite(useCluster(), "gate-kill");
});
afterAll(() => site[Symbol.asyncDispose]());

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
  await using cell = await makeGatedCell(site, name, "deadlineSeconds: 600");
  await using others = writeTaints(cell);
  await using taint = await watchTaint(site, cell);
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
  await eventually(() => taint.changes(), ["tainted", "untainted"]);
  return { reached, seen };
}

/** Another writer, who adds taints of its own all the time and says, as node-problem-detector would, that all is well. */
function writeTaints(cell: Cell) {
  const written = ["example.org/0"];
  const stopping = new AbortController();
  const { node } = cell;
  const path = `/api/v1/nodes/${node}`;
  const write = async () => {
    while (!stopping.signal.aborted) {
      await reportCondition(site, cell, "True");
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
