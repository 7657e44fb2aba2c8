import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect, isDeepStrictEqual } from "node:util";
import { type FakeAws, startFakeAws } from "@internal/test/aws/fake";
import type { Action } from "@internal/test/aws/lifecycle";
import { directNotification } from "@internal/test/aws/notifications";
import { type RunningCli, startCli } from "@internal/test/cli";
import type {
  AuditLog,
  Cluster,
  KubernetesObject,
  Pod,
  TestNamespace,
} from "@internal/test/cluster";
import { type Exchange, type FaultProxy, startFaultProxy } from "@internal/test/fault-proxy";
import { type Queues, startQueues, type TestQueue } from "@internal/test/queues";
import { renderRbac } from "../src/index.ts";

/** What the cells of one test file share. */
export interface Site extends AsyncDisposable {
  cluster: Cluster;
  namespace: TestNamespace;
  /** As the audit log calls the daemons. */
  user: string;
  token: string;
  queues: Queues;
}

/** A namespace whose pods live and die as on real nodes, and a user with the rights that `render rbac` gives. */
export async function makeSite(cluster: Cluster, prefix: string): Promise<Site> {
  const namespace = await cluster.namespace(prefix);
  const role = renderRbac().find((object) => (object as { kind: string }).kind === "ClusterRole");
  const { rules: clusterRules } = role as { rules: never };
  const { user, token } = await namespace.serviceAccount("node-rollout", { clusterRules });
  namespace.startFakeKubelet({ shutdown: 50 });
  const queues = await startQueues();
  return {
    ...{ cluster, namespace, user, token, queues },
    async [Symbol.asyncDispose]() {
      await queues[Symbol.asyncDispose]();
      await namespace[Symbol.asyncDispose]();
    },
  };
}

/** One instance of a group, its node and pods on the real API server, its queue, and a proxy before each server. */
export interface Cell extends AsyncDisposable {
  name: string;
  group: string;
  instanceId: string;
  node: string;
  pods: Pod[];
  aws: FakeAws;
  queue: TestQueue;
  proxies: { kubernetes: FaultProxy; aws: FaultProxy; queue: FaultProxy };
  /** Calls back at every request of the daemons, on all three ways, before it is forwarded or when it was applied. */
  onRequest(hook: RequestHook | undefined): void;
  /** Has the group terminate the instance; sends a message for each hook, unless told otherwise. */
  terminate(bodiesOf?: (action: Action) => string[]): Promise<Action[]>;
  /** Starts a daemon as a process of its own. */
  start(env?: Record<string, string>): RunningCli;
  nodeObject(): Promise<KubernetesObject & { spec: { unschedulable?: boolean } }>;
}

export type RequestHook = (
  when: "before" | "after",
  request: { n: number; exchange: Exchange },
) => Promise<boolean>;

export interface CellOptions {
  /** @default 2 */
  pods?: number;
  /** Keys of the node's taints. @default [] */
  taints?: string[];
  /** Names of the terminate hooks. @default ["drain"] */
  hooks?: string[];
  /** Added to the configuration, as YAML lines. */
  config?: string;
  /** Seconds. @default 3600 */
  heartbeatTimeout?: number;
  /** After so many receipts a message goes to the dead-letter queue. @default 1000 */
  maxReceiveCount?: number;
}

export async function makeCell(site: Site, name: string, options: CellOptions = {}): Promise<Cell> {
  const { cluster, namespace, queues } = site;
  const { pods: count = 2, hooks = ["drain"], config = "", heartbeatTimeout = 3600 } = options;
  const taints = (options.taints ?? []).map((key) => ({ key, effect: "NoSchedule" }));
  const group = `${namespace.name}-${name}`;
  const instanceId = `i-${group}`;
  const providerID = `aws:///eu-west-1a/${instanceId}`;
  const spec = { providerID, ...(taints.length > 0 && { taints }) };
  const node = (await namespace.createNode(name, { spec })).metadata.name;
  const pods = count === 0 ? [] : await createPods(site, name, node, count);
  const aws = await startFakeAws();
  const terminating = hooks.map((hook) => ({ name: hook, heartbeatTimeout }));
  aws.addGroup({ name: group, hooks: terminating, instances: [instanceId] });
  const queue = await queues.create(group, { maxReceiveCount: options.maxReceiveCount ?? 1000 });
  const proxies = {
    kubernetes: await startFaultProxy(cluster.url, { upstreamCa: cluster.ca }),
    aws: await startFaultProxy(aws.url),
    queue: await startFaultProxy(queues.url),
  };
  const folder = join(cluster.folder, group);
  mkdirSync(folder);
  writeFileSync(join(folder, "kubeconfig"), kubeconfig(proxies.kubernetes, site.token));
  writeFileSync(
    join(folder, "config.yaml"),
    [
      `queueUrl: ${queue.url}`,
      `groups: [${group}]`,
      "visibilitySeconds: 3",
      "takeOverSeconds: 10",
      "reconcileSeconds: 5",
      config,
    ].join("\n"),
  );
  return {
    ...{ name, group, instanceId, node, pods, aws, proxies, queue },
    onRequest: (hook) => hookProxies(Object.values(proxies), hook),
    async terminate(bodiesOf = (action) => [directNotification(action)]) {
      const actions = aws.begin(group, instanceId);
      for (const body of actions.flatMap(bodiesOf)) await queue.send(body);
      return actions;
    },
    start: (env = {}) =>
      startCli("node-rollout", ["run", "--config", join(folder, "config.yaml")], {
        env: {
          ...aws.env,
          AWS_ENDPOINT_URL_AUTO_SCALING: proxies.aws.url,
          AWS_ENDPOINT_URL_CLOUDFORMATION: proxies.aws.url,
          AWS_ENDPOINT_URL_SQS: proxies.queue.url,
          KUBECONFIG: join(folder, "kubeconfig"),
          NODE_COMPILE_CACHE: join(cluster.folder, "compile-cache"),
          ...env,
        },
      }),
    nodeObject: () => cluster.request("GET", `/api/v1/nodes/${node}`),
    async [Symbol.asyncDispose]() {
      await Promise.all([...Object.values(proxies), aws].map((server) => server.close()));
    },
  };
}

/** Pods on the node and as many elsewhere, under a budget that lets those on the node go. */
async function createPods(
  { cluster, namespace }: Site,
  cell: string,
  node: string,
  count: number,
): Promise<Pod[]> {
  const labels = { cell };
  const elsewhere = (await namespace.createNode(`${cell}-elsewhere`)).metadata.name;
  const create = (nodeName: string) => (_: unknown, index: number) =>
    namespace.createPod(`${nodeName === node ? cell : `${cell}-spare`}-${index}`, {
      metadata: { labels },
      spec: { nodeName, terminationGracePeriodSeconds: 2 },
      ready: true,
    });
  const pods = await Promise.all(Array.from({ length: count }, create(node)));
  await Promise.all(Array.from({ length: count }, create(elsewhere)));
  await cluster.create({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: cell, namespace: namespace.name },
    // One spare: an eviction whose connection breaks may stay on the budget's books for two minutes.
    spec: { minAvailable: count - 1, selector: { matchLabels: labels } },
  });
  return pods;
}

/** Numbers the requests on all proxies together, in the order of their arrival. */
function hookProxies(proxies: FaultProxy[], hook: RequestHook | undefined): void {
  let count = 0;
  const numbers = new WeakMap<Exchange, number>();
  for (const proxy of proxies) {
    proxy.beforeForward =
      hook &&
      (async (exchange) => {
        const n = ++count;
        numbers.set(exchange, n);
        return (await hook("before", { n, exchange })) ? { kind: "cut-before" } : undefined;
      });
    proxy.afterApplied =
      hook &&
      (async (exchange) => {
        const n = numbers.get(exchange) ?? 0;
        return (await hook("after", { n, exchange })) ? { kind: "cut-after" } : undefined;
      });
  }
}

/** A kubeconfig, as text, that leads to a proxy. */
export function kubeconfig({ url, ca = "" }: FaultProxy, token: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "c",
        cluster: {
          server: url,
          "certificate-authority-data": Buffer.from(ca).toString("base64"),
        },
      },
    ],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    users: [{ name: "u", user: { token } }],
    "current-context": "c",
  });
}

/** Reads again and again until it is so; unlike `expect.poll` it works in tests that run side by side. */
export async function eventually<T>(read: () => T | Promise<T>, wanted: T): Promise<void> {
  const deadline = Date.now() + 300_000;
  for (;;) {
    const found = await read();
    if (isDeepStrictEqual(found, wanted)) return;
    if (Date.now() > deadline) throw new Error(`still ${inspect(found)}, not ${inspect(wanted)}`);
    await sleep(50);
  }
}

/** Resolves when no action waits and the queue is empty. */
export async function settled(cell: Cell): Promise<void> {
  const left = () => ({
    ...cell.queue.queued(),
    waiting: cell.aws.lifecycle.actions.filter(({ state }) => state === "waiting").length,
  });
  await eventually(left, { ready: 0, inFlight: 0, waiting: 0 });
}

/** Resolves when, beyond that, the node's record is gone. */
export async function finished(cell: Cell): Promise<void> {
  await settled(cell);
  await eventually(() => recordOf(cell), undefined);
}

export async function recordOf(cell: Cell): Promise<{ holder?: string } | undefined> {
  const { metadata } = await cell.nodeObject();
  const annotations = metadata["annotations"] as Record<string, string> | undefined;
  const text = annotations?.["node-rollout/record"];
  return text === undefined ? undefined : JSON.parse(text);
}

/** SIGTERM, once the process listens to it: it hands over and ends well. */
export async function stop(daemon: RunningCli): Promise<void> {
  await daemon.printed(/started/);
  daemon.kill("SIGTERM");
  const { code, stderr } = await daemon.ended;
  if (code !== 0) throw new Error(`ended with ${code}: ${stderr}`);
}

/** How often each of the cell's pods was evicted, by the API server's own log. */
export async function evictionsOf(cell: Cell, site: Site, log: AuditLog): Promise<number[]> {
  const { user, namespace } = site;
  const accepted = { user, resource: "pods/eviction", namespace: namespace.name, code: 201 };
  const evicted = (await log.entries(accepted)).map(({ name }) => name);
  return cell.pods.map(({ metadata }) => evicted.filter((name) => name === metadata.name).length);
}
