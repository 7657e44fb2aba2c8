import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ApiError,
  type KubernetesObject,
  type Pod,
  type TestNamespace,
  useCluster,
} from "./cluster.ts";

const cluster = useCluster();
let namespace: TestNamespace;
beforeAll(async () => {
  namespace = await cluster.namespace("cluster");
});
afterAll(() => namespace[Symbol.asyncDispose]());

const readConfigMaps = { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"] };

describe("a service account", () => {
  test("may do what its role says, and nothing else", async () => {
    const { token, user } = await namespace.serviceAccount("reader", { rules: [readConfigMaps] });
    const log = await cluster.auditLog();
    await cluster.request("GET", namespace.path("configmaps"), undefined, { token });
    const refused = cluster.request("GET", namespace.path("secrets"), undefined, { token });
    await expect(refused).rejects.toMatchObject({ status: 403, reason: "Forbidden" });
    const elsewhere = "/api/v1/namespaces/default/configmaps";
    await expect(cluster.request("GET", elsewhere, undefined, { token })).rejects.toThrow(ApiError);

    const answers = await log.entries({ user });
    expect(answers.map(({ verb, resource, code }) => [verb, resource, code])).toEqual([
      ["list", "configmaps", 200],
      ["list", "secrets", 403],
      ["list", "configmaps", 403],
    ]);
    expect(await log.count({ user, code: 403, resource: "secrets" })).toBe(1);
  });

  test("may have a cluster role, which goes with the namespace", async () => {
    const own = await cluster.namespace("cluster");
    const clusterRules = [{ apiGroups: [""], resources: ["nodes"], verbs: ["list"] }];
    const { token } = await own.serviceAccount("nodes", { clusterRules });
    await cluster.request("GET", "/api/v1/nodes", undefined, { token });
    await own[Symbol.asyncDispose]();
    const roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    const role = cluster.request("GET", `${roles}/${own.name}-nodes`);
    await expect(role).rejects.toMatchObject({ status: 404 });
  });

  test("has a token folder whose token says which pod it is for", async () => {
    await namespace.serviceAccount("in-pod", { rules: [readConfigMaps] });
    const pod = await namespace.createPod("a", { spec: { serviceAccountName: "in-pod" } });
    const folder = await namespace.podBoundTokenFolder(pod);
    const read = (name: string) => readFileSync(join(folder, name), "utf8");
    expect(read("namespace")).toBe(namespace.name);
    expect(read("ca.crt")).toBe(cluster.ca);
    const claims = JSON.parse(Buffer.from(read("token").split(".")[1] ?? "", "base64").toString());
    expect(claims["kubernetes.io"]).toMatchObject({
      namespace: namespace.name,
      pod: { name: "a", uid: pod.metadata.uid },
      serviceaccount: { name: "in-pod" },
    });
    await cluster.request("GET", namespace.path("configmaps"), undefined, { token: read("token") });
  });
});

describe("what the fakes rely on", () => {
  const ownedBy = (pod: Pod, name: string) => ({
    metadata: {
      name,
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", ...ownerOf(pod) }],
    },
  });
  const ownerOf = ({ metadata: { name, uid } }: Pod) => ({ name, uid });

  /** Resolves when an object is gone. */
  const gone = async (path: string) => {
    const { metadata } = await cluster.request("GET", path);
    const [collection, name] = [path.slice(0, path.lastIndexOf("/")), metadata.name];
    const query = `watch=1&fieldSelector=metadata.name%3D${name}&resourceVersion=${metadata.resourceVersion}`;
    return async () => {
      for await (const { type } of cluster.watch(`${collection}?${query}`)) {
        if (type === "DELETED") return;
      }
      throw new Error(`the watch of ${path} ended`);
    };
  };

  test("what a pod owns goes with the pod", async () => {
    const pod = await namespace.createPod("owner");
    await cluster.request("POST", namespace.path("configmaps"), ownedBy(pod, "lock"));
    const collected = await gone(namespace.path("configmaps/lock"));
    await cluster.request("DELETE", namespace.path("pods/owner"), { gracePeriodSeconds: 0 });
    await collected();
  });

  test("what an owner that never was owns is collected", async () => {
    const pod = await namespace.createPod("never");
    const uid = "00000000-0000-4000-8000-000000000000";
    const orphan = ownedBy({ ...pod, metadata: { ...pod.metadata, uid } }, "orphan");
    await cluster.request("POST", namespace.path("configmaps"), orphan);
    await expect
      .poll(() =>
        cluster.request("GET", namespace.path("configmaps/orphan")).catch((e) => e.status),
      )
      .toBe(404);
  });

  test("a deletion with the uid of another is refused", async () => {
    await namespace.createPod("kept");
    const preconditions = { uid: "00000000-0000-4000-8000-000000000000" };
    const deletion = cluster.request("DELETE", namespace.path("pods/kept"), { preconditions });
    await expect(deletion).rejects.toMatchObject({ status: 409, reason: "Conflict" });
  });

  test("a budget lets one pod go, and the next when another is Ready", async () => {
    const labels = { app: "web" };
    const { metadata } = await namespace.createNode("budget");
    const spec = { nodeName: metadata.name, terminationGracePeriodSeconds: 0 };
    const pods = (name: string) =>
      namespace.createPod(name, { metadata: { labels }, spec, ready: true });
    await Promise.all(["web-1", "web-2"].map(pods));
    await cluster.create({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "web", namespace: namespace.name },
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
    });
    const allowed = async () => {
      const budget = namespace.path("poddisruptionbudgets/web", "policy/v1");
      const { status } = await cluster.request<{ status: { disruptionsAllowed?: number } }>(
        "GET",
        budget,
      );
      return status.disruptionsAllowed;
    };
    const evict = (name: string) =>
      cluster.request("POST", namespace.path(`pods/${name}/eviction`), {
        apiVersion: "policy/v1",
        kind: "Eviction",
        metadata: { name },
      });
    await expect.poll(allowed).toBe(1);
    await evict("web-1");
    await expect(evict("web-2")).rejects.toMatchObject({
      status: 429,
      body: { details: { causes: [{ reason: "DisruptionBudget" }] } },
    });
    await pods("web-3");
    await expect.poll(allowed).toBe(1);
    await evict("web-2");
  });
});

describe("the fake kubelet", () => {
  test("makes pods Ready and ends them after their grace", async () => {
    const own = await cluster.namespace("kubelet");
    const { metadata: node } = await own.createNode("a");
    await using _kubelet = own.startFakeKubelet();
    const spec = { nodeName: node.name, terminationGracePeriodSeconds: 1 };
    const pod = await own.createPod("p", { spec });
    const read = () => cluster.request<Pod>("GET", own.path("pods/p"));
    await expect.poll(async () => (await read()).status.phase).toBe("Running");

    const asked = Date.now();
    await cluster.request("DELETE", own.path("pods/p"));
    expect((await read()).metadata.deletionTimestamp).toBeDefined();
    await expect.poll(() => read().catch((error) => error.status), { timeout: 20_000 }).toBe(404);
    expect(Date.now() - asked).toBeGreaterThan(900);
    expect(pod.metadata.deletionTimestamp).toBeUndefined();
  });

  test("leaves alone the pods of other nodes", async () => {
    const own = await cluster.namespace("kubelet");
    await using _kubelet = own.startFakeKubelet({ nodes: ["a"] });
    await own.createPod("other", { spec: { nodeName: "b" } });
    await own.createPod("mine", { spec: { nodeName: "a" } });
    const phase = async (name: string) =>
      (await cluster.request<Pod>("GET", own.path(`pods/${name}`))).status.phase;
    await expect.poll(() => phase("mine")).toBe("Running");
    expect(await phase("other")).toBe("Pending");
  });
});

test("nodes made through a namespace go with it", async () => {
  const own = await cluster.namespace("nodes");
  const { metadata } = await own.createNode("a", { spec: { providerID: "aws:///z/i-1" } });
  await own[Symbol.asyncDispose]();
  const { items } = await cluster.request<{ items: KubernetesObject[] }>("GET", "/api/v1/nodes");
  expect(items.map((node) => node.metadata.name)).not.toContain(metadata.name);
});
