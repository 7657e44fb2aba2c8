import type { RunningCli } from "@internal/test/cli";
import { type AuditLog, useCluster } from "@internal/test/cluster";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cell, evictionsOf, finished, makeCell, makeSite, type Site, stop } from "./cell.ts";

let site: Site;
let log: AuditLog;
beforeAll(async () => {
  site = await makeSite(useCluster(), "kill");
  log = await site.cluster.auditLog();
});
afterAll(() => site[Symbol.asyncDispose]());

/** How many run at once: most of a case is waiting for a process to start. */
const lanes = 8;

// Every request that the proxies see, on the way to Kubernetes, Auto Scaling and SQS: the daemon is killed once
// before it is forwarded and once when it was applied, and another one takes over.
test("SIGKILL at every request: one completion, no pod evicted twice, nothing left behind", async () => {
  let last = Number.POSITIVE_INFINITY;
  let next = 1;
  let killed = 0;
  const lane = async () => {
    while (next <= last) {
      const n = next++;
      for (const when of ["before", "after"] as const) {
        const { reached, seen } = await killAt(n, when);
        if (reached) killed += 1;
        // An idle long poll is answered by nobody.
        if (seen < n) last = Math.min(last, n - 1);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  console.log(`killed ${killed} times, before and after each of ${last} requests`);
  expect(last).toBeGreaterThan(15);
}, 900_000);

/** Kills a daemon at its n-th request, if it comes so far before it has finished, and lets another one finish. */
async function killAt(
  n: number,
  when: "before" | "after",
): Promise<{ reached: boolean; seen: number }> {
  await using cell = await makeCell(site, `${when}-${n}`);
  // A container that starts again has the pod's uid; a pod that replaces it has another.
  const uids = n % 2 === 0 ? ["a", "a"] : ["a", "b"];
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
  const [action] = await cell.terminate();
  first = cell.start({ POD_UID: `${uids[0]}-${cell.name}` });
  await Promise.race([killing.promise, finished(cell)]);
  cell.onRequest(undefined);
  if (!reached) await stop(first);
  else {
    const second = cell.start({ POD_UID: `${uids[1]}-${cell.name}` });
    await finished(cell).catch((cause: unknown) => {
      throw new Error(`${when} ${n}: ${second.output().stderr}`, { cause });
    });
    await stop(second);
  }
  expect(action, `${when} ${n}`).toMatchObject({ state: "completed", result: "CONTINUE" });
  await expectClean(cell, `${when} ${n}`);
  return { reached, seen };
}

async function expectClean(cell: Cell, name: string): Promise<void> {
  expect(cell.aws.count("CompleteLifecycleAction"), name).toBe(1);
  expect(cell.aws.problems, name).toEqual([]);
  expect((await cell.nodeObject()).spec.unschedulable, name).toBe(true);
  expect(await evictionsOf(cell, site, log), name).toEqual(cell.pods.map(() => 1));
}
