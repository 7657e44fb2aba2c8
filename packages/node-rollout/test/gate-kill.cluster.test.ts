import { setTimeout as sleep } from "node:timers/promises";
import { useCluster } from "@internal/test/cluster";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cell, eventually, makeSite, type Site } from "./cell.ts";
import { isThrough, keysOf, makeGatedCell, reportCondition, watchTaint } from "./gated-cell.ts";
import { type Killed, killAndFollow, killAtEveryRequest, type Moment } from "./kill-daemon.ts";

let site: Site;
beforeAll(async () => {
  site = await makeSite(useCluster(), "gate-kill");
});
afterAll(() => site[Symbol.asyncDispose]());

// As kill.cluster.test.ts does it for the drain: killed before and after each request, until the node takes pods.
test("SIGKILL at every request of the gate: one signal, one untaint, no other writer's taint lost", async () => {
  expect(await killAtEveryRequest(6, killAt)).toBeGreaterThan(8);
}, 900_000);

async function killAt(moment: Moment): Promise<Killed> {
  const name = `${moment.when}-${moment.n}`;
  await using cell = await makeGatedCell(site, name, "deadlineSeconds: 600");
  await using others = writeTaints(cell);
  await using taint = await watchTaint(site, cell);
  const killed = await killAndFollow(
    cell,
    moment,
    () => cell.start(),
    () => isThrough(cell),
  );
  expect(cell.aws.stacks.signals, name).toMatchObject([
    { uniqueId: cell.instanceId, status: "SUCCESS" },
  ]);
  // Only where the answer, or the note of it, was lost with the process it is sent again.
  expect(cell.aws.count("SignalResource"), name).toBeLessThanOrEqual(killed.reached ? 2 : 1);
  expect(cell.aws.problems, name).toEqual([]);
  const written = await others.stop();
  expect(written.length, name).toBeGreaterThan(1);
  expect((await keysOf(cell)).filter((key) => key.startsWith("example.org/"))).toEqual(written);
  await eventually(() => taint.changes(), ["tainted", "untainted"]);
  return killed;
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
