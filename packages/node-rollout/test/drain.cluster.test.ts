import { runCli } from "@internal/test/cli";
import {
  type KubernetesObject,
  type OwnCluster,
  startCluster,
  type TestNamespace,
} from "@internal/test/cluster";
import { afterAll, beforeAll, expect, test } from "vitest";

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

/** What the README says that a drain needs, and nothing more. */
const permissions = {
  clusterRules: [
    { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch", "patch"] },
    { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch", "delete"] },
    { apiGroups: [""], resources: ["pods/eviction"], verbs: ["create"] },
    { apiGroups: ["policy"], resources: ["poddisruptionbudgets"], verbs: ["list", "watch"] },
  ],
};

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
}, 180_000);

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
