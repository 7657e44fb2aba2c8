import { startFaultProxy } from "@internal/test/fault-proxy";
import { startRolloutWorld } from "@internal/test/rollout-world";
import { expect, test } from "vitest";
import { followBudgets } from "../src/drain/budgets.ts";
import { drainNode } from "../src/drain/drain.ts";
import { createKubernetes } from "../src/kubernetes/http.ts";
import type { Kubernetes } from "../src/kubernetes/kubernetes.ts";
import type { TokenBucket } from "../src/kubernetes/token-bucket.ts";

/** The cluster's API through a proxy. */
function connect(server: string, ca: string | undefined, token: string): Kubernetes {
  return createKubernetes({
    ...{ server, tls: ca === undefined ? {} : { ca } },
    headers: async () => ({ authorization: `Bearer ${token}` }),
  });
}

test("a pod that only the last list shows is evicted, too", async () => {
  await using world = await startRolloutWorld();
  const { kubernetes } = world;
  await using proxy = await startFaultProxy(kubernetes.url, { upstreamCa: kubernetes.ca });
  const watch = { path: /watch=true.*spec\.nodeName|spec\.nodeName.*watch=true/ };
  // Nothing that happens to pods is told.
  proxy.on(watch, { kind: "freeze", afterBytes: 0 });
  const late = { namespace: "default", name: "late" };
  const types: string[] = [];
  const drain = drainNode({
    kubernetes: connect(proxy.url, proxy.ca, kubernetes.token),
    node: "third",
    policy: { evictUnreplicated: true },
    settleMs: 300,
  });
  kubernetes.apply({ apiVersion: "v1", kind: "Node", metadata: { name: "third" }, spec: {} });
  for await (const event of drain) {
    types.push(event.type);
    if (event.type === "cordoned") {
      kubernetes.apply({
        apiVersion: "v1",
        kind: "Pod",
        metadata: late,
        spec: { nodeName: "third", containers: [{ name: "main", image: "registry.example/m:1" }] },
      });
    }
    if (event.type === "evicted") {
      proxy.clear();
      proxy.cut(watch);
    }
  }
  expect(types).toContain("evicted");
  expect(types.at(-1)).toBe("drained");
  expect(kubernetes.get("pods", "late", "default")).toBeUndefined();
});

test("a drain that is ended waits for the answers to its evictions, and sends no more", async () => {
  await using world = await startRolloutWorld();
  const { kubernetes } = world;
  await using proxy = await startFaultProxy(kubernetes.url, { upstreamCa: kubernetes.ca });
  const evictions = () => proxy.log.filter(({ path }) => path.endsWith("/eviction"));
  proxy.on({ path: "/eviction" }, { kind: "delay", ms: 500 });
  const ending = new AbortController();
  const drain = drainNode({
    kubernetes: connect(proxy.url, proxy.ca, kubernetes.token),
    node: "old",
    signal: ending.signal,
  });
  void proxy.next({ path: "/eviction" }).then(() => ending.abort());
  await expect(toEnd(drain)).rejects.toThrow(/aborted/);
  const atTheEnd = evictions().map(({ status }) => status);
  expect(atTheEnd).toEqual([201]);
  expect(evictions()).toHaveLength(1);
});

test("a drain that is ended waits for no answer that never comes", async () => {
  await using world = await startRolloutWorld();
  const { kubernetes } = world;
  await using proxy = await startFaultProxy(kubernetes.url, { upstreamCa: kubernetes.ca });
  proxy.on({ path: "/eviction" }, { kind: "black-hole" });
  const ending = new AbortController();
  const drain = drainNode({
    kubernetes: connect(proxy.url, proxy.ca, kubernetes.token),
    node: "old",
    signal: ending.signal,
  });
  void proxy.next({ path: "/eviction" }).then(() => ending.abort());
  await expect(toEnd(drain)).rejects.toThrow(/aborted/);
}, 30_000);

test("an eviction that is never sent, because its drain has ended, stands in no other's way", async () => {
  await using world = await startRolloutWorld();
  const kubernetes = connect(world.kubernetes.url, world.kubernetes.ca, world.kubernetes.token);
  const following = new AbortController();
  const budgets = followBudgets(kubernetes, { signal: following.signal, failed() {} });
  const ending = new AbortController();
  let isCordoned = false;
  // From then on no turn comes; the first to ask for one is the eviction.
  const bucket: TokenBucket = {
    async take(_key, signal) {
      if (!isCordoned) return;
      ending.abort();
      signal?.throwIfAborted();
    },
  };
  const shared = { kubernetes, budgets, node: "old", events: false };
  const first = async () => {
    for await (const { type } of drainNode({ ...shared, bucket, signal: ending.signal })) {
      isCordoned ||= type === "cordoned";
    }
  };
  await expect(first()).rejects.toThrow(/aborted/);
  const types: string[] = [];
  for await (const { type } of drainNode(shared)) types.push(type);
  following.abort();
  expect(types.filter((type) => type === "evicted")).toHaveLength(4);
  expect(types.at(-1)).toBe("drained");
});

async function toEnd(drain: ReturnType<typeof drainNode>): Promise<void> {
  for await (const _ of drain);
}
