/** How a candidate ends before it leads: soon, whatever it is at, and with nothing left behind. */
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunningCli } from "@internal/test/cli";
import {
  type Exchange,
  type Fault,
  type FaultProxy,
  type Route,
  startFaultProxy,
} from "@internal/test/fault-proxy";
import { makeFolder } from "@internal/test/folder";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Candidates, namespace, startCandidates, through } from "./candidates.ts";

let candidates: Candidates;
beforeAll(async () => {
  candidates = await startCandidates();
});
afterAll(() => candidates[Symbol.asyncDispose]());

const stay = ["sh", "-c", 'echo "leads as $KUBE_LEADER_POD"; exec sleep 60'];
const proxied = () =>
  startFaultProxy(candidates.cluster.url, { upstreamCa: candidates.cluster.ca });
const isPodWatch = ({ path }: Exchange) => path.includes("/pods?") && path.includes("watch=true");

/** Resolves when the proxy has carried such a request and its answer has begun. */
async function answered({ log }: FaultProxy, isSuch: (exchange: Exchange) => boolean) {
  while (!log.some((exchange) => isSuch(exchange) && exchange.status !== undefined)) {
    await sleep(5);
  }
}

type World = "free" | "held";
type Moment = "beforeForward" | "afterApplied";

test.each<World>(["free", "held"])(
  "by SIGTERM at each request on its way to lead, the lock %s",
  async (world) => {
    const requests = await play(world, undefined);
    expect(requests).toBeGreaterThan(2);
    const moments: Moment[] = ["beforeForward", "afterApplied"];
    const kills = Array.from({ length: requests }, (_, index) => index + 1).flatMap((request) =>
      moments.map((moment) => ({ request, moment })),
    );
    while (kills.length > 0) {
      await Promise.all(kills.splice(0, 4).map((kill) => play(world, kill)));
    }
  },
  120_000,
);

/** @returns the number of requests that it took to lead */
async function play(
  world: World,
  kill: { request: number; moment: Moment } | undefined,
): Promise<number> {
  const lock = ["term", world, kill?.moment.toLowerCase(), kill?.request].filter(Boolean).join("-");
  await using proxy = await proxied();
  if (world === "held")
    await candidates.start(candidates.pod(`${lock}-0`, lock), [lock, "true"]).ended;
  const cli: RunningCli = candidates.start(through(proxy, candidates.pod(`${lock}-1`, lock)), [
    lock,
    ...stay,
  ]);
  if (kill !== undefined) {
    proxy[kill.moment] = ({ index }) => {
      if (index === kill.request) cli.kill("SIGTERM");
      return undefined;
    };
  }
  if (world === "held") {
    await Promise.race([answered(proxy, isPodWatch), cli.ended]);
    await candidates.deletePod(`${lock}-0`);
  }
  await Promise.race([cli.printed(/leads as/), cli.ended]).catch(() => {});
  const requests = proxy.log.length;
  if (kill === undefined) cli.kill("SIGTERM");
  const { code, signal } = await cli.ended;
  // Where it leads by then, the signal is the command's, which does not handle it.
  expect(signal ?? code, JSON.stringify(kill)).toBe(cli.output().stdout === "" ? 143 : "SIGTERM");
  return requests;
}

/** A waiter whose command is removed while it waits. */
async function bereft(lock: string) {
  using folder = makeFolder();
  const command = join(folder.path, "command");
  copyFileSync("/bin/true", command);
  const proxy = await proxied();
  await candidates.start(candidates.pod(`${lock}-0`), [lock, "true"]).ended;
  const waiter = candidates.start(through(proxy, candidates.pod(`${lock}-1`)), [lock, command]);
  await answered(proxy, isPodWatch);
  rmSync(command);
  return { proxy, waiter };
}

test("by 127 when the command was removed while it waited, and the lock is free", async () => {
  const { proxy, waiter } = await bereft("bereft");
  await candidates.deletePod("bereft-0");
  const { code, stderr } = await waiter.ended;
  expect([code, stderr]).toEqual([127, expect.stringMatching(/command: no such file\n$/)]);
  expect(candidates.cluster.get("configmaps", "bereft", namespace)).toBeUndefined();
  await proxy.close();
});

test.each<[string, Route, Fault]>([
  ["deletion is done and its answer cut off", { method: "DELETE", nth: 1 }, { kind: "cut-after" }],
  ["mark is refused for overload", { method: "POST", nth: 2 }, { kind: "answer", status: 503 }],
  ["mark is made and its answer cut off", { method: "POST", nth: 2 }, { kind: "cut-after" }],
])("by 127 after it said that it leads no more, although the %s", async (what, route, fault) => {
  const lock = `told-${what.replaceAll(/[^a-z]+/g, "-")}`;
  const { proxy, waiter } = await bereft(lock);
  proxy.on(route, fault);
  await candidates.deletePod(`${lock}-0`);
  expect((await waiter.ended).code).toBe(127);
  const marks = proxy.log.filter(
    ({ method, body, status }) => method === "POST" && body.includes("released") && status === 201,
  );
  expect(marks.length).toBe(1);
  await proxy.close();
});

test("by SIGTERM while nobody answers that it gives the lock back", async () => {
  const { proxy, waiter } = await bereft("unheard");
  proxy.on({ method: "DELETE" }, { kind: "black-hole" });
  const farewell = proxy.next({ method: "DELETE" });
  await candidates.deletePod("unheard-0");
  await farewell;
  const began = performance.now();
  waiter.kill("SIGTERM");
  expect((await waiter.ended).code).toBe(143);
  // 150 ms; without the signal it would try for 5 s.
  expect(performance.now() - began).toBeLessThan(3_000);
  await proxy.close();
});

test("by --timeout while nobody answers its create, and the lock is free", async () => {
  await using proxy = await proxied();
  proxy.on({ method: "POST", nth: 1 }, { kind: "swallow" });
  proxy.on({ path: "watch=true" }, { kind: "black-hole" }); // it would tell
  const env = through(proxy, candidates.pod("swallowed-0"));
  const args = ["--name", "swallowed", "--timeout", "2", "--", "echo", "ran"];
  const { code, stdout, stderr } = await candidates.start(env, args).ended;
  expect([code, stdout]).toEqual([124, ""]);
  expect(stderr).toBe("kube-leader: gave up waiting for swallowed after 2 s\n");
  const [create] = proxy.log.filter(({ method }) => method === "POST");
  expect(create?.answeredAt).toBeDefined();
  expect(candidates.cluster.get("configmaps", "swallowed", namespace)).toBeUndefined();
});

test("with 143 when its own pod ends, also where the role does not let it give the lock back", async () => {
  await using proxy = await proxied();
  const none = { kind: "PodList", metadata: { resourceVersion: "1" }, items: [] };
  proxy.on({ method: "GET", path: "/pods?" }, { kind: "answer", status: 200, body: none });
  const refusal = { kind: "Status", apiVersion: "v1", code: 403 };
  proxy.on({ method: "DELETE" }, { kind: "answer", status: 403, body: refusal });
  const env = through(proxy, candidates.pod("leaving-0"));
  const { code, stdout, stderr } = await candidates.start(env, ["leaving", "echo", "ran"]).ended;
  expect([code, stdout]).toEqual([143, ""]);
  expect(stderr).toMatch(/pod leaving-0 is being deleted, so it does not begin to lead\n$/);
  expect(proxy.log.some(({ method }) => method === "DELETE")).toBe(true);
});
