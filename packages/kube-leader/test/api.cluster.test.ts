import { type Cluster, type TestNamespace, useCluster } from "@internal/test/cluster";
import { startFaultProxy } from "@internal/test/fault-proxy";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, createApi } from "../src/api.ts";
import { kubeConfigConnection } from "../src/connection.ts";

let cluster: Cluster;
let namespace: TestNamespace;
const never = new AbortController().signal;

beforeAll(async () => {
  cluster = useCluster();
  namespace = await cluster.namespace("leader-api");
});
afterAll(() => namespace[Symbol.asyncDispose]());

/** As the administrator, so that nothing but the request decides. */
function apiAt(server: string, ca: string): Api {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: "here", server, caData: btoa(ca) }],
    users: [{ name: "admin", token: cluster.token }],
    contexts: [{ name: "admin", cluster: "here", user: "admin" }],
    currentContext: "admin",
  });
  return createApi(kubeConfigConnection(config));
}

test("a delete's preconditions arrive: Node sends no Content-Length of itself, and the server would ignore them", async () => {
  const api = apiAt(cluster.url, cluster.ca);
  const call = { resource: "configmaps", namespace: namespace.name } as const;
  const body = { metadata: { name: "kept" } };
  expect(await api.send({ ...call, verb: "create", body }, never)).toMatchObject({ status: 201 });
  const wrong = { preconditions: { uid: "another" } };
  const refused = await api.send({ ...call, verb: "delete", name: "kept", body: wrong }, never);
  expect(refused.status).toBe(409);
  // What is left of an unread body would spoil the next request of a connection that is kept alive.
  const found = await api.send({ ...call, verb: "get", name: "kept" }, never);
  expect(found).toMatchObject({ status: 200, body: { metadata: { name: "kept" } } });
});

test("a watch that falls silent is given up, 10 s after its own time", async () => {
  await using proxy = await startFaultProxy(cluster.url, { upstreamCa: cluster.ca });
  const api = apiAt(proxy.url, proxy.ca ?? "");
  proxy.on({ path: "watch=true" }, { kind: "freeze", afterBytes: 0 });
  const began = performance.now();
  const events = await api.watch(
    { verb: "watch", resource: "configmaps", namespace: namespace.name, timeoutSeconds: 1 },
    never,
  );
  const read = async () => {
    if ("status" in events) throw new Error("no watch");
    for await (const event of events) expect(event).toBeUndefined();
  };
  await expect(read()).rejects.toMatchObject({
    name: "UnreachableError",
    message: "no answer in 11 s",
  });
  expect(performance.now() - began).toBeGreaterThan(10_900);
});
