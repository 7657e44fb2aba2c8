import { runCli } from "@internal/test/cli";
import {
  type KubernetesObject,
  type OwnCluster,
  startCluster,
  type TestNamespace,
} from "@internal/test/cluster";
import { startFaultProxy } from "@internal/test/fault-proxy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DrainOptions, drainNode } from "../src/drain/drain.ts";
import { evict } from "../src/drain/eviction.ts";
import type { DrainProgress } from "../src/drain/progress.ts";
import { createKubernetes } from "../src/kubernetes/http.ts";
import type { Kubernetes } from "../src/kubernetes/kubernetes.ts";
import { renderRbac } from "../src/render/rbac.ts";

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

interface Pod extends KubernetesObject {
  spec: { nodeName?: string };
  status: { conditions?: { type: string; status: string }[] };
}

const replicas = 4;
const minAvailable = 3;
let cluster: OwnCluster;
let namespace: TestNamespace;

// A scheduler gives the replacements a node, kwok stands for the kubelets.
beforeAll(async () => {
  cluster = await startCluster({ scheduler: true, kwok: true });
  namespace = await cluster.namespace("drain");
});
afterAll(() => cluster[Symbol.asyncDispose]());

/** What `render rbac` gives a configuration without force and volumes. */
const permissions = { clusterRules: rulesOf(renderRbac({ force: false, volumes: false })) };

function rulesOf([, role]: object[]): Rule[] {
  return (role as { rules: Rule[] }).rules;
}

test("a drain empties the node, and never takes more pods than the budget allows", async () => {
  const kwok = { metadata: { annotations: { "kwok.x-k8s.io/node": "fake" } }, ready: false };
  const old = await namespace.createNode("old", kwok);
  await deploy();
  await expect.poll(readyPods, { timeout: 60_000 }).toHaveLength(replicas);
  await expect.poll(allowed, { timeout: 30_000 }).toBe(replicas - minAvailable);
  await namespace.createNode("new", kwok);
  const { user, kubeconfigFile } = await namespace.serviceAccount("drainer", permissions);
  const log = await cluster.auditLog();
  const stopCounting = new AbortController();
  const fewest = countReady(stopCounting.signal);

  const { code, stdout, stderr } = await runCli("node-rollout", ["drain", old.metadata.name], {
    env: { KUBECONFIG: kubeconfigFile },
  });

  expect(code, stderr).toBe(0);
  expect(stdout).toContain(`${old.metadata.name} drained`);
  stopCounting.abort();
  expect(await fewest).toBe(minAvailable);
  const left = (await pods()).items.filter(({ spec }) => spec.nodeName === old.metadata.name);
  expect(left).toEqual([]);
  const node = await cluster.request<{ spec: { unschedulable?: boolean } }>(
    "GET",
    `/api/v1/nodes/${old.metadata.name}`,
  );
  expect(node.spec.unschedulable).toBe(true);
  // One accepted eviction a pod, and none that could only be refused.
  expect(await log.count({ user, resource: "pods/eviction" })).toBe(replicas);
  expect(await eventsOn(old.metadata.name)).toEqual(["DrainStarted", "Drained"]);
}, 180_000);

test.each([
  ["poddisruptionbudgets", /cannot list resource "poddisruptionbudgets"/],
  ["pods/eviction", /cannot create resource "pods\/eviction"/],
])(
  "without the right to %s a drain ends with 2 and the server's own words",
  async (lacking, words) => {
    await using own = await cluster.namespace("rights");
    const node = await own.createNode("n");
    await replicaSet(own, { name: "web", replicas: 1, node: node.metadata.name });
    const clusterRules = permissions.clusterRules.filter(
      ({ resources }) => !resources.includes(lacking),
    );
    const { kubeconfigFile } = await own.serviceAccount("less", { clusterRules });
    const { code, stderr } = await runCli("node-rollout", ["drain", node.metadata.name], {
      env: { KUBECONFIG: kubeconfigFile },
    });
    expect(stderr).toMatch(words);
    expect(code).toBe(2);
  },
  120_000,
);

test("what must not be evicted is named with every reason, and nothing is touched", async () => {
  await using own = await cluster.namespace("filters");
  const { metadata } = await own.createNode("n");
  const spec = { nodeName: metadata.name };
  await own.createPod("bare", { spec: { ...spec, volumes: [{ name: "data", emptyDir: {} }] } });
  const annotations = { "karpenter.sh/do-not-disrupt": "true" };
  await own.createPod("kept", { spec, metadata: { annotations } });
  const { code, stdout } = await runCli("node-rollout", ["drain", metadata.name, "--force"], {
    env: { KUBECONFIG: cluster.kubeconfigFile },
  });
  expect(code).toBe(1);
  expect(stdout).toContain(`${own.name}/bare: emptyDir data would be lost`);
  expect(stdout).toContain(`${own.name}/kept: must not be disrupted`);
  expect((await nodeSpec(metadata.name)).unschedulable).toBeUndefined();
});

test("two budgets: the API refuses for ever, which is told at once and by name", async () => {
  await using own = await cluster.namespace("two");
  const { metadata } = await own.createNode("n");
  const [pod] = await replicaSet(own, {
    name: "web",
    replicas: 1,
    node: metadata.name,
    ready: true,
  });
  await budget(own, "a", { maxUnavailable: 1 });
  await budget(own, "b", { maxUnavailable: 1 });
  const { uid, name } = pod!.metadata;
  const answer = await evict(kubernetes(), { namespace: own.name, name, uid });
  expect(answer).toMatchObject({ kind: "never" });
  const [plan] = await drainUntil(metadata.name, ({ type }) => type === "planned");
  expect(plan).toMatchObject({ blocked: [{ reason: expect.stringContaining("(a, b)") }] });
}, 60_000);

test("a budget that is given room wakes the drain: nothing is asked before, nothing refused", async () => {
  await using own = await cluster.namespace("freed");
  const { metadata } = await own.createNode("n");
  await replicaSet(own, { name: "web", replicas: 2, node: metadata.name, ready: true });
  await budget(own, "web", { maxUnavailable: 0 });
  const log = await cluster.auditLog();
  const patch = { spec: { maxUnavailable: 2 } };
  await drainUntil(
    metadata.name,
    ({ type }) => type === "evicted",
    atFirstBudget(async () => {
      expect(await log.count({ resource: "pods/eviction", namespace: own.name })).toBe(0);
      await cluster.request("PATCH", own.path("poddisruptionbudgets/web", "policy/v1"), patch);
    }),
  );
  const asked = await log.entries({ resource: "pods/eviction", namespace: own.name });
  expect(asked.map(({ code }) => code)).not.toContain(429);
}, 60_000);

test("a node that is deleted ends its drain", async () => {
  await using own = await cluster.namespace("deleted");
  const { metadata } = await cluster.request("POST", "/api/v1/nodes", {
    metadata: { name: `${own.name}-n` },
  });
  await replicaSet(own, { name: "web", replicas: 1, node: metadata.name, ready: true });
  await budget(own, "web", { maxUnavailable: 0 });
  const events = await drainUntil(
    metadata.name,
    ({ type }) => type === "nodeGone",
    atFirstBudget(() => cluster.request("DELETE", `/api/v1/nodes/${metadata.name}`)),
  );
  expect(events.at(-1)).toEqual({ type: "nodeGone", node: metadata.name });
}, 60_000);

test("a pod that would come back to the cordoned node stays, and the node counts as empty", async () => {
  await using own = await cluster.namespace("back");
  const { metadata } = await own.createNode("n");
  const tolerations = [{ key: "node.kubernetes.io/unschedulable", operator: "Exists" }];
  await replicaSet(own, { name: "web", replicas: 1, node: metadata.name, spec: { tolerations } });
  const events = await drainUntil(metadata.name, ({ type }) => type === "drained");
  expect(events.map(({ type }) => type)).not.toContain("evicted");
}, 60_000);

test.each([
  ["AlwaysAllow", "evicted"],
  ["IfHealthyBudget", "waiting"],
])(
  "a pod that is not ready under %s: %s",
  async (unhealthyPodEvictionPolicy, end) => {
    await using own = await cluster.namespace("unready");
    const { metadata } = await own.createNode("n");
    const [pod] = await replicaSet(own, {
      name: "web",
      replicas: 1,
      node: metadata.name,
      ready: true,
    });
    await budget(own, "web", { minAvailable: 1, unhealthyPodEvictionPolicy });
    const status = { conditions: [{ type: "Ready", status: "False" }] };
    await cluster.request("PATCH", own.path(`pods/${pod!.metadata.name}/status`), { status });
    const isEnd = (event: DrainProgress) =>
      event.type === "evicted" ||
      (event.type === "waiting" && event.waits.some(({ code }) => code === "budget"));
    expect((await drainUntil(metadata.name, isEnd)).at(-1)?.type).toBe(end);
  },
  60_000,
);

test("a throttled API: every pod goes, and none is evicted twice", async () => {
  await using own = await cluster.namespace("throttled");
  const { metadata } = await own.createNode("n");
  own.startFakeKubelet({ shutdown: 100 });
  await replicaSet(own, { name: "web", replicas: 6, node: metadata.name });
  await using proxy = await startFaultProxy(cluster.url, { upstreamCa: cluster.ca });
  const headers = { "retry-after": "1" };
  proxy.on({ path: "/eviction", nth: [1, 3] }, { kind: "answer", status: 429, headers });
  proxy.on({ path: "/eviction", nth: [2] }, { kind: "cut-after" });
  proxy.on({ path: "fieldSelector=spec.nodeName", nth: [2] }, { kind: "answer", status: 503 });
  const log = await cluster.auditLog();
  const through = kubernetes(proxy.url, proxy.ca);
  await drainUntil(metadata.name, ({ type }) => type === "drained", undefined, {
    kubernetes: through,
  });
  const accepted = (await log.entries({ resource: "pods/eviction", namespace: own.name }))
    .filter(({ code }) => code === 201)
    .map(({ name }) => name);
  expect(new Set(accepted).size).toBe(accepted.length);
  expect(accepted).toHaveLength(6);
}, 90_000);

/** The API server as the administrator, directly or through a proxy. */
function kubernetes(server: string = cluster.url, ca: string | undefined = cluster.ca): Kubernetes {
  return createKubernetes({
    server,
    tls: ca === undefined ? {} : { ca },
    headers: async () => ({ authorization: `Bearer ${cluster.token}` }),
  });
}

type Waiting = Extract<DrainProgress, { type: "waiting" }>;

/** Drains until an event, and gives all up to it; `waiting` is awaited at each wait. */
async function drainUntil(
  node: string,
  isEnd: (event: DrainProgress) => boolean,
  waiting: (event: Waiting) => Promise<void> = async () => {},
  options: Partial<DrainOptions> = {},
): Promise<DrainProgress[]> {
  const events: DrainProgress[] = [];
  for await (const event of drainNode({ kubernetes: kubernetes(), node, ...options })) {
    events.push(event);
    if (isEnd(event)) return events;
    if (event.type === "waiting") await waiting(event);
  }
  return events;
}

/** Acts the first time that a drain waits for a budget. */
function atFirstBudget(act: () => Promise<unknown>): (event: Waiting) => Promise<void> {
  let acted = false;
  return async ({ waits }) => {
    if (acted || !waits.some(({ code }) => code === "budget")) return;
    acted = true;
    await act();
  };
}

/** A ReplicaSet whose pods are bound to a node by the scheduler; resolves when they are, and ready where asked. */
async function replicaSet(
  own: TestNamespace,
  options: { name: string; replicas: number; node: string; ready?: boolean; spec?: object },
): Promise<Pod[]> {
  const { name, replicas, node, ready = false, spec = {} } = options;
  const labels = { app: "web" };
  const capacity = { cpu: "8", memory: "8Gi", pods: "100" };
  const conditions = [{ type: "Ready", status: "True" }];
  await cluster.request("PATCH", `/api/v1/nodes/${node}/status`, {
    status: { capacity, allocatable: capacity, conditions },
  });
  await cluster.request("PATCH", `/api/v1/nodes/${node}`, { metadata: { labels: { node } } });
  const containers = [{ name: "main", image: "example.org/none" }];
  await cluster.create({
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name, namespace: own.name },
    spec: {
      ...{ replicas, selector: { matchLabels: labels } },
      template: {
        metadata: { labels },
        spec: { ...{ containers, nodeSelector: { node } }, ...spec },
      },
    },
  });
  const bound = async () =>
    (await podsOf(own)).filter(({ spec: { nodeName } }) => nodeName === node);
  await expect.poll(bound, { timeout: 60_000 }).toHaveLength(replicas);
  const made = await bound();
  if (!ready) return made;
  const running = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
  for (const { metadata } of made) {
    const path = own.path(`pods/${metadata.name}/status`);
    await cluster.request("PATCH", path, { status: running });
  }
  return made;
}

async function podsOf(own: TestNamespace): Promise<Pod[]> {
  return (await cluster.request<{ items: Pod[] }>("GET", own.path("pods"))).items;
}

/** A budget over the pods of `replicaSet`, once the controller has seen it. */
async function budget(own: TestNamespace, name: string, spec: object): Promise<void> {
  await cluster.create({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name, namespace: own.name },
    spec: { ...spec, selector: { matchLabels: { app: "web" } } },
  });
  const path = own.path(`poddisruptionbudgets/${name}`, "policy/v1");
  const observed = async () =>
    (await cluster.request<{ status?: { expectedPods?: number } }>("GET", path)).status
      ?.expectedPods ?? 0;
  await expect.poll(observed, { timeout: 30_000 }).toBeGreaterThan(0);
}

async function nodeSpec(name: string): Promise<{ unschedulable?: boolean }> {
  const path = `/api/v1/nodes/${name}`;
  return (await cluster.request<{ spec: { unschedulable?: boolean } }>("GET", path)).spec;
}

/** The reasons of our Events about a node, in their order. */
async function eventsOn(node: string): Promise<string[]> {
  const path = `/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=${node}`;
  const { items } = await cluster.request<{
    items: { reason: string; metadata: { resourceVersion: string }; source?: Source }[];
  }>("GET", path);
  return items
    .filter(({ source }) => source?.component === "node-rollout")
    .toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
    .map(({ reason }) => reason);
}

interface Source {
  component?: string;
}

async function deploy(): Promise<void> {
  const labels = { app: "web" };
  await cluster.create({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "web", namespace: namespace.name },
    spec: { minAvailable, selector: { matchLabels: labels } },
  });
  await cluster.create({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: namespace.name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: "main", image: "example.org/none" }] },
      },
    },
  });
}

function pods(): Promise<{ items: Pod[]; metadata: { resourceVersion: string } }> {
  return cluster.request("GET", namespace.path("pods"));
}

async function readyPods(): Promise<Pod[]> {
  return (await pods()).items.filter(isReady);
}

async function allowed(): Promise<number | undefined> {
  const budget = namespace.path("poddisruptionbudgets/web", "policy/v1");
  const { status } = await cluster.request<{ status?: { disruptionsAllowed?: number } }>(
    "GET",
    budget,
  );
  return status?.disruptionsAllowed;
}

/** The fewest pods that were Ready at once, by every event of the API server until the signal. */
async function countReady(signal: AbortSignal): Promise<number> {
  const { items, metadata } = await pods();
  const ready = new Set(items.filter(isReady).map((pod) => pod.metadata.uid));
  let fewest = ready.size;
  const since = `${namespace.path("pods")}?watch=1&resourceVersion=${metadata.resourceVersion}`;
  try {
    for await (const { type, object } of cluster.watch<Pod>(since, signal)) {
      if (type !== "DELETED" && isReady(object)) ready.add(object.metadata.uid);
      else ready.delete(object.metadata.uid);
      fewest = Math.min(fewest, ready.size);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return fewest;
}

/** Ready and not ending: what an endpoint would send requests to. */
function isReady({ metadata, status }: Pod): boolean {
  const ready = status.conditions?.some((each) => each.type === "Ready" && each.status === "True");
  return ready === true && metadata.deletionTimestamp === undefined;
}
