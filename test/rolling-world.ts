import { type FakeAws, startFakeAws } from "./aws/fake.ts";
import { directNotification } from "./aws/notifications.ts";
import { startQueue } from "./aws/queue.ts";
import {
  type RollingUpdate,
  type RollingUpdateOptions,
  startRollingUpdate,
} from "./aws/rolling-update.ts";
import { type RunningCli, startCli } from "./cli.ts";
import type { KubernetesObject, OwnCluster, ServiceAccount, TestNamespace } from "./cluster.ts";
import { makeFolder } from "./folder.ts";

/** What new nodes register with. */
export const startupTaint = "startup-taint.cluster-autoscaler.kubernetes.io/node-rollout";

/** What the README says that the daemon needs, and nothing more. */
const permissions = {
  clusterRules: [
    { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch", "patch"] },
    { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch", "delete"] },
    { apiGroups: [""], resources: ["pods/eviction"], verbs: ["create"] },
    { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
    { apiGroups: ["policy"], resources: ["poddisruptionbudgets"], verbs: ["list", "watch"] },
  ],
};

export interface Node extends KubernetesObject {
  spec: { taints?: { key: string }[]; unschedulable?: boolean };
}

/** An Auto Scaling group of a CloudFormation stack whose instances are nodes of a real cluster, and the daemon. */
export interface RollingWorld extends AsyncDisposable {
  aws: FakeAws;
  group: string;
  account: ServiceAccount;
  /** What the group's nodes are selected by. */
  nodeSelector: Record<string, string>;
  daemon: RunningCli;
  /** Begins a rolling update; new nodes carry the startup taint. */
  update(
    options: Pick<RollingUpdateOptions, "maxBatchSize" | "surge" | "pauseMs"> & {
      /** Tells whether a new instance's network gets ready. @default all do */
      isGood?: (instanceId: string) => boolean;
    },
  ): RollingUpdate;
  nodes(): Promise<Node[]>;
  queued(): number;
}

/**
 * Makes a group of so many nodes and starts the daemon over it. The nodes' kubelets are kwok's; the condition
 * NetworkReady is reported by the test, as node-problem-detector would, half a second after a node appears.
 */
export async function startRollingWorld(
  cluster: OwnCluster,
  namespace: TestNamespace,
  options: { size: number; readiness: string },
): Promise<RollingWorld> {
  const group = namespace.name;
  const nodeSelector = { group };
  const aws = await startFakeAws();
  const queue = await startQueue(group);
  const first = Array.from({ length: options.size }, (_, index) => `i-${group}-old-${index}`);
  const stack = { name: group, status: "CREATE_COMPLETE", resources: ["Workers"] };
  aws.addStack(stack);
  aws.addGroup({
    ...{ name: group, instances: first, hooks: [{ name: "drain" }] },
    tags: {
      "aws:cloudformation:stack-name": group,
      "aws:cloudformation:logical-id": "Workers",
    },
  });
  const failures: unknown[] = [];
  const background = (work: Promise<unknown>) => void work.catch((error) => failures.push(error));

  const nameOf = (instanceId: string) => instanceId.slice(2);
  const createNode = (instanceId: string, taints: object[]) =>
    cluster.request("POST", "/api/v1/nodes", {
      metadata: {
        name: nameOf(instanceId),
        labels: { ...nodeSelector, "kubernetes.io/hostname": nameOf(instanceId) },
        annotations: { "kwok.x-k8s.io/node": "fake" },
      },
      spec: { providerID: `aws:///eu-west-1a/${instanceId}`, taints },
      status: { nodeInfo: { bootID: `boot-of-${instanceId}` } },
    });
  const reportNetwork = async (instanceId: string, status: "True" | "False") => {
    const now = new Date().toISOString();
    const condition = { type: "NetworkReady", status, reason: "", message: "" };
    const times = { lastHeartbeatTime: now, lastTransitionTime: now };
    await cluster.request(
      "PATCH",
      `/api/v1/nodes/${nameOf(instanceId)}/status`,
      { status: { conditions: [{ ...condition, ...times }] } },
      { contentType: "application/strategic-merge-patch+json" },
    );
  };
  const boot = async (instanceId: string, good: boolean) => {
    await createNode(instanceId, [{ key: startupTaint, effect: "NoSchedule" }]);
    await reportNetwork(instanceId, "False");
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (good) await reportNetwork(instanceId, "True");
  };
  const nodes = async () => {
    const path = `/api/v1/nodes?labelSelector=group%3D${group}`;
    return (await cluster.request<{ items: Node[] }>("GET", path)).items;
  };
  for (const instanceId of first) await createNode(instanceId, []);
  // As the cloud controller manager does when an instance is gone.
  aws.lifecycle.onSettled = ({ id, state }) => {
    if (state !== "Terminated") return;
    background(cluster.request("DELETE", `/api/v1/nodes/${nameOf(id)}`));
  };
  const account = await namespace.serviceAccount("node-rollout", permissions);
  const folder = makeFolder({
    "node-rollout.yaml": `queueUrl: ${queue.url}
groups: [${group}]
drain: {settleSeconds: 1}
readiness: {${options.readiness}}
`,
  });
  const daemon = startCli("node-rollout", ["run", "--config", `${folder.path}/node-rollout.yaml`], {
    env: { ...aws.env, ...queue.env, KUBECONFIG: account.kubeconfigFile },
  });
  await daemon.printed(/started/);
  return {
    ...{ aws, group, account, nodeSelector, daemon },
    update: ({ isGood = () => true, ...rest }) =>
      startRollingUpdate(aws, {
        ...{ group, stack: group, resource: "Workers", ...rest },
        onLaunch: (id, rollingBack) => background(boot(id, rollingBack || isGood(id))),
        onHeld(actions) {
          for (const action of actions) background(queue.send(directNotification(action)));
        },
      }),
    nodes,
    queued() {
      const { ready, inFlight } = queue.queued();
      return ready + inFlight;
    },
    async [Symbol.asyncDispose]() {
      daemon.kill("SIGTERM");
      await daemon.ended;
      for (const { metadata } of await nodes()) {
        await cluster.request("DELETE", `/api/v1/nodes/${metadata.name}`);
      }
      folder[Symbol.dispose]();
      await Promise.all([aws.close(), queue[Symbol.asyncDispose]()]);
      if (failures.length > 0) throw new AggregateError(failures, "the world failed");
    },
  };
}

/** The fewest and the latest number of an application's ready endpoints, by every event of the API server. */
export interface ReadyEndpoints {
  fewest(): number;
  now(): number;
  /** @throws what went wrong while watching */
  stop(): Promise<void>;
}

interface EndpointSlice extends KubernetesObject {
  endpoints?: { conditions?: { ready?: boolean } }[];
}

/** Counts a Service's ready endpoints from now on. */
export async function watchReadyEndpoints(
  cluster: OwnCluster,
  namespace: TestNamespace,
  service: string,
): Promise<ReadyEndpoints> {
  const selector = `labelSelector=kubernetes.io%2Fservice-name%3D${service}`;
  const path = `${namespace.path("endpointslices", "discovery.k8s.io/v1")}?${selector}`;
  const list = await cluster.request<{ items: EndpointSlice[] } & KubernetesObject>("GET", path);
  const slices = new Map<string, number>();
  const set = ({ metadata, endpoints }: EndpointSlice) => {
    const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready === true);
    slices.set(metadata.name, ready.length);
  };
  list.items.forEach(set);
  const now = () => [...slices.values()].reduce((sum, count) => sum + count, 0);
  let fewest = now();
  const stopping = new AbortController();
  const watch = async () => {
    const since = `${path}&watch=1&resourceVersion=${list.metadata.resourceVersion}`;
    for await (const { type, object } of cluster.watch<EndpointSlice>(since, stopping.signal)) {
      if (type === "DELETED") slices.delete(object.metadata.name);
      else set(object);
      fewest = Math.min(fewest, now());
    }
    throw new Error("the watch of the endpoints ended");
  };
  let failure: unknown;
  const watching = watch().catch((error: unknown) => {
    if (!stopping.signal.aborted) failure = error;
  });
  return {
    fewest: () => fewest,
    now,
    async stop() {
      stopping.abort();
      await watching;
      if (failure !== undefined) throw failure;
    },
  };
}
