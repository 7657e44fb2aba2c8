import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KubernetesObject, type OwnCluster, type Pod, startCluster } from "./cluster.ts";

type Status = KubernetesObject & { code?: number };

/** What a test may do to a cluster of its own. */
let cluster: OwnCluster;
beforeAll(async () => {
  cluster = await startCluster({
    scheduler: true,
    kwok: true,
    apiserverFlags: ["--watch-cache=false"],
  });
});
afterAll(() => cluster[Symbol.asyncDispose]());

test("a frozen controller manager collects nothing until it goes on", async () => {
  await using namespace = await cluster.namespace();
  const { metadata } = await namespace.createPod("owner");
  const owner = { apiVersion: "v1", kind: "Pod", name: "owner", uid: metadata.uid };
  const lock = { metadata: { name: "lock", ownerReferences: [owner] } };
  await cluster.request("POST", namespace.path("configmaps"), lock);
  cluster.controllerManager.pause();
  await cluster.request("DELETE", namespace.path("pods/owner"), { gracePeriodSeconds: 0 });
  const read = () =>
    cluster.request("GET", namespace.path("configmaps/lock")).catch((e) => e.status);
  await new Promise((resolve) => setTimeout(resolve, 300)); // collection takes some 20 ms
  expect(await read()).toMatchObject({ metadata: { name: "lock" } });
  cluster.controllerManager.resume();
  await expect.poll(read).toBe(404);
});

test("a stopped API server answers nobody, and after its start has everything", async () => {
  await using namespace = await cluster.namespace();
  await namespace.createPod("kept");
  const { pid } = cluster.apiserver;
  await cluster.apiserver.stop();
  expect(cluster.apiserver.pid).toBeUndefined();
  await expect(cluster.request("GET", namespace.path("pods/kept"))).rejects.toThrow("ECONNREFUSED");
  await cluster.apiserver.start();
  expect(cluster.apiserver.pid).not.toBe(pid);
  await cluster.request("GET", namespace.path("pods/kept"));
});

test("a watch from before a compaction is answered 410", async () => {
  await using namespace = await cluster.namespace();
  const secrets = namespace.path("secrets"); // nobody else writes here
  const create = (name: string) => cluster.request("POST", secrets, { metadata: { name } });
  const { metadata } = await create("early");
  await create("later");
  const watch = `${secrets}?watch=1&resourceVersion=${metadata.resourceVersion}`;
  const first = async () => (await cluster.watch<Status>(watch).next()).value;
  expect(await first()).toMatchObject({ type: "ADDED", object: { metadata: { name: "later" } } });
  await create("last"); // a compaction keeps the newest revision
  await cluster.compact();
  const answer = await first().catch((error) => ({ object: { code: error.status } }));
  expect(answer.object.code).toBe(410);
});

describe("with a scheduler and kwok", () => {
  const fake = { annotations: { "kwok.x-k8s.io/node": "fake" } };

  test("pods find a node, become Ready, and go when they are deleted", async () => {
    await using namespace = await cluster.namespace();
    const node = await namespace.createNode("a", { metadata: fake, ready: false });
    await namespace.createPod("p");
    const read = () => cluster.request<Pod>("GET", namespace.path("pods/p"));
    await expect.poll(async () => (await read()).status.phase, { timeout: 30_000 }).toBe("Running");
    const { spec, status } = await read();
    expect(spec.nodeName).toBe(node.metadata.name);
    expect(status.conditions).toContainEqual(
      expect.objectContaining({ type: "Ready", status: "True" }),
    );
    await cluster.request("DELETE", namespace.path("pods/p"));
    await expect.poll(() => read().catch((e) => e.status), { timeout: 30_000 }).toBe(404);
  });
});
