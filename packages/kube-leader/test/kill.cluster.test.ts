/** SIGKILL at every request: before the API server hears of it, and after it has done what was asked. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, type TestNamespace, useCluster } from "@internal/test/cluster";
import { type FaultProxy, startFaultProxy } from "@internal/test/fault-proxy";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { overlaps, startElection, type TestElection, type TestPod } from "./pods.ts";

// Many processes on few processors, some of them for a minute and more.
vi.setConfig({ testTimeout: 600_000 });

let cluster: Cluster;
let namespace: TestNamespace;
const account = "killed";

beforeAll(async () => {
  cluster = useCluster();
  namespace = await cluster.namespace("leader-kill");
  const rule = (resource: string, ...verbs: string[]) => ({
    ...{ apiGroups: [""], resources: [resource], verbs },
  });
  await namespace.serviceAccount(account, {
    rules: [
      rule("configmaps", "create", "get", "list", "watch", "delete"),
      rule("pods", "get", "list", "watch"),
    ],
  });
});
afterAll(() => namespace[Symbol.asyncDispose]());

type Moment = "before it is forwarded" | "after it was applied";
interface Kill {
  request: number;
  moment: Moment;
}

/** A world in which a candidate gets to lead: the lock is free, or that of a pod which finishes when it waits. */
type World = "free" | "held";

test.concurrent.each<[World, string]>([
  ["free", "POST"],
  ["held", "DELETE"],
])(
  "a candidate is killed at each request on its way to lead, the lock %s",
  async (world, write) => {
    const requests = await play(world, undefined);
    expect(requests).toContain(write);
    console.log(
      `kube-leader, lock ${world}: SIGKILL before and after each of ${requests.length} requests`,
    );
    const kills = requests.flatMap((_, index): Kill[] => [
      { request: index + 1, moment: "before it is forwarded" },
      { request: index + 1, moment: "after it was applied" },
    ]);
    while (kills.length > 0) {
      await Promise.all(kills.splice(0, 3).map((kill) => play(world, kill)));
    }
  },
);

/** @returns the methods of the requests that it took to lead */
async function play(world: World, kill: Kill | undefined): Promise<string[]> {
  const lock = ["lock", world, kill?.request, kill?.moment.split(" ")[0]].filter(Boolean).join("-");
  await using proxy = await startFaultProxy(cluster.url, { upstreamCa: cluster.ca });
  await using election = await startElection(cluster, namespace, { lock, account });
  const finish = world === "held" ? await holder(election) : async () => {};
  const a = await election.pod(`${lock}-a`);
  const first = a.lead({ through: proxy });
  const killed = kill === undefined ? undefined : killAt(proxy, kill, () => first.kill("SIGKILL"));
  const leads = first.printed(/leads as/);
  const over = Promise.race([leads, first.ended]).catch(() => {});
  await Promise.race([over, bothWatch(proxy, over)]);
  await finish();
  await over;
  const methods = proxy.log.map(({ method }) => method);
  if (kill !== undefined) {
    await killed;
    await a.stop();
  }
  await succession(election, a, kill === undefined ? first : a.lead());
  expect(overlaps(election.timeline()), `${JSON.stringify(kill)}`).toEqual([]);
  return methods;
}

/** A pod that holds the lock, without a process; gives what makes it finish. */
async function holder(election: TestElection): Promise<() => Promise<void>> {
  const pod = await election.pod(`${election.lock}-holder`);
  const owner = { apiVersion: "v1", kind: "Pod", name: pod.name, uid: pod.uid };
  await cluster.request("POST", namespace.path("configmaps"), {
    metadata: { name: election.lock, ownerReferences: [owner] },
  });
  election.note(`begin ${pod.name}`);
  return async () => {
    election.note(`end ${pod.name}`);
    await pod.setStatus({ phase: "Succeeded" });
  };
}

/** The candidate waits, and nothing more comes until the holder finishes. */
async function bothWatch({ log }: FaultProxy, over: Promise<unknown>): Promise<void> {
  let isOver = false;
  void over.then(() => (isOver = true));
  const watches = () => log.filter(({ path, status }) => path.includes("watch=true") && status);
  while (!isOver && watches().length < 2) await sleep(10);
}

function killAt(proxy: FaultProxy, { request, moment }: Kill, kill: () => void): Promise<void> {
  return new Promise((resolve) => {
    const hook = ({ index }: { index: number }) => {
      if (index !== request) return undefined;
      kill();
      resolve();
      return { kind: moment === "before it is forwarded" ? "cut-before" : "cut-after" } as const;
    };
    if (moment === "before it is forwarded") proxy.beforeForward = hook;
    else proxy.afterApplied = hook;
  });
}

/** The restarted container and a newcomer: one leads, and when its pod is gone the other. */
async function succession(
  election: TestElection,
  a: TestPod,
  cliOfA: ReturnType<TestPod["lead"]>,
): Promise<void> {
  const b = await election.pod(`${election.lock}-b`);
  const cliOfB = b.lead();
  const leader = await Promise.race([
    cliOfA.printed(/leads as/).then(() => a),
    cliOfB.printed(/leads as/).then(() => b),
  ]);
  await leader.remove();
  await (leader === a ? cliOfB : cliOfA).printed(/leads as/);
}
