import { type AuditLog, useCluster } from "@internal/test/cluster";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cell, evictionsOf, finished, makeCell, makeSite, type Site } from "./cell.ts";
import { type Killed, killAndFollow, killAtEveryRequest, type Moment } from "./kill-daemon.ts";

let site: Site;
let log: AuditLog;
beforeAll(async () => {
  site = await makeSite(useCluster(), "kill");
  log = await site.cluster.auditLog();
});
afterAll(() => site[Symbol.asyncDispose]());

// Every request that the proxies see: the daemon is killed once before it is forwarded and once when it was applied,
// and another one takes over.
test("SIGKILL at every request: one completion, no pod evicted twice, nothing left behind", async () => {
  expect(await killAtEveryRequest(8, killAt)).toBeGreaterThan(15);
}, 900_000);

async function killAt(moment: Moment): Promise<Killed> {
  const { n, when } = moment;
  await using cell = await makeCell(site, `${when}-${n}`);
  // A container that starts again has the pod's uid; a pod that replaces it has another.
  const uids = n % 2 === 0 ? ["a", "a"] : ["a", "b"];
  const [action] = await cell.terminate();
  const killed = await killAndFollow(
    cell,
    moment,
    (life) => cell.start({ POD_UID: `${uids[life]}-${cell.name}` }),
    () => finished(cell),
  );
  expect(action, `${when} ${n}`).toMatchObject({ state: "completed", result: "CONTINUE" });
  await expectClean(cell, `${when} ${n}`);
  return killed;
}

async function expectClean(cell: Cell, name: string): Promise<void> {
  expect(cell.aws.count("CompleteLifecycleAction"), name).toBe(1);
  expect(cell.aws.problems, name).toEqual([]);
  expect((await cell.nodeObject()).spec.unschedulable, name).toBe(true);
  expect(await evictionsOf(cell, site, log), name).toEqual(cell.pods.map(() => 1));
}
