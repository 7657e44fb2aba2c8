import { setTimeout as sleep } from "node:timers/promises";
import { type Client, type OwnCluster, startCluster } from "@internal/test/cluster";
import { startFakeKubelet } from "@internal/test/fake-kubelet";

/** Nodes full of pods, and room elsewhere. */
export interface Fixture {
  /** The nodes to drain. */
  nodes: string[];
  pods(): Promise<number>;
  /** Takes it all away again. */
  remove(): Promise<void>;
}

export interface FixtureOptions {
  name: string;
  nodes: number;
  deployments: number;
  /** Pods of each Deployment on the nodes to drain, altogether. */
  here: number;
  replicas: number;
  /** Of each Deployment's budget; undefined: no budgets. */
  maxUnavailable?: number | string;
}

/** A cluster with a scheduler, whose pods are ready half a second after they are bound and end in one. */
export async function startDrainCluster(): Promise<OwnCluster> {
  const cluster = await startCluster({ scheduler: true });
  const kubelet = startFakeKubelet(cluster, { readyAfter: 500, shutdown: 1000 });
  const dispose = cluster[Symbol.asyncDispose].bind(cluster);
  cluster[Symbol.asyncDispose] = async () => {
    await kubelet.stop();
    await dispose();
  };
  return cluster;
}

/** Fills the nodes first, then makes room elsewhere and grows the Deployments there. */
export async function makeFixture(cluster: Client, options: FixtureOptions): Promise<Fixture> {
  const { name, deployments, replicas, here, maxUnavailable } = options;
  const nodes = Array.from({ length: options.nodes }, (_, index) => `${name}-old-${index}`);
  await cluster.request("POST", "/api/v1/namespaces", { metadata: { name } });
  await Promise.all(nodes.map((node) => createNode(cluster, name, node)));
  const names = Array.from({ length: deployments }, (_, index) => `web-${index}`);
  await Promise.all(
    names.map((each) => deploy(cluster, { name: each, namespace: name, replicas: here })),
  );
  const pods = () => runningOn(cluster, name, nodes);
  await until(async () => (await pods()) === deployments * here);

  await Promise.all(nodes.map((node) => patchNode(cluster, node, { unschedulable: true })));
  const others = Array.from({ length: options.nodes + 2 }, (_, index) => `${name}-new-${index}`);
  await Promise.all(others.map((node) => createNode(cluster, name, node)));
  await Promise.all(
    names.map((each) =>
      cluster.request("PATCH", `/apis/apps/v1/namespaces/${name}/deployments/${each}`, {
        spec: { replicas },
      }),
    ),
  );
  await until(async () => (await runningOn(cluster, name)) === deployments * replicas);
  await Promise.all(nodes.map((node) => patchNode(cluster, node, { unschedulable: null })));
  if (maxUnavailable !== undefined) {
    const budgets = `/apis/policy/v1/namespaces/${name}/poddisruptionbudgets`;
    await Promise.all(
      names.map((each) =>
        cluster.request("POST", budgets, {
          metadata: { name: each },
          spec: { maxUnavailable, selector: { matchLabels: { app: each } } },
        }),
      ),
    );
    await until(async () => {
      const { items } = await cluster.request<{ items: BudgetObject[] }>("GET", budgets);
      return items.every(({ status }) => (status?.disruptionsAllowed ?? 0) > 0);
    });
  }
  return { nodes, pods, remove: () => remove(cluster, name, [...nodes, ...others]) };
}

interface BudgetObject {
  status?: { disruptionsAllowed?: number };
}

interface PodObject {
  spec: { nodeName?: string };
  status: { conditions?: { type: string; status: string }[] };
}

/** The ready pods of a namespace, on these nodes or anywhere. */
async function runningOn(
  cluster: Client,
  namespace: string,
  nodes?: readonly string[],
): Promise<number> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const { items } = await cluster.request<{ items: PodObject[] }>("GET", path);
  return items.filter(
    ({ spec, status }) =>
      status.conditions?.some((each) => each.type === "Ready" && each.status === "True") &&
      (nodes === undefined || nodes.includes(spec.nodeName ?? "")),
  ).length;
}

async function createNode(cluster: Client, set: string, name: string): Promise<void> {
  const room = { cpu: "1000", memory: "1000Gi", pods: "1000" };
  const conditions = [{ type: "Ready", status: "True", reason: "KubeletReady" }];
  await cluster.request("POST", "/api/v1/nodes", { metadata: { name, labels: { set } } });
  await cluster.request("PATCH", `/api/v1/nodes/${name}/status`, {
    status: { allocatable: room, capacity: room, conditions },
  });
}

function patchNode(cluster: Client, node: string, spec: object): Promise<unknown> {
  return cluster.request("PATCH", `/api/v1/nodes/${node}`, { spec });
}

function deploy(
  cluster: Client,
  { name, namespace, replicas }: { name: string; namespace: string; replicas: number },
): Promise<unknown> {
  const labels = { app: name };
  const spec = {
    nodeSelector: { set: namespace },
    containers: [{ name: "main", image: "example.org/none" }],
  };
  return cluster.request("POST", `/apis/apps/v1/namespaces/${namespace}/deployments`, {
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec },
    },
  });
}

async function remove(cluster: Client, namespace: string, nodes: string[]): Promise<void> {
  const all = { gracePeriodSeconds: 0 };
  await cluster.request("DELETE", `/apis/apps/v1/namespaces/${namespace}/deployments`, {
    propagationPolicy: "Background",
  });
  await cluster.request("DELETE", `/apis/apps/v1/namespaces/${namespace}/replicasets`, {
    propagationPolicy: "Orphan",
  });
  await cluster.request("DELETE", `/api/v1/namespaces/${namespace}/pods`, all);
  await until(async () => (await runningOn(cluster, namespace)) === 0);
  await cluster.request("DELETE", `/api/v1/namespaces/${namespace}`);
  await Promise.all(nodes.map((node) => cluster.request("DELETE", `/api/v1/nodes/${node}`)));
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(250)) {
    if (await done()) return;
  }
  throw new Error("the fixture was not ready within two minutes");
}
