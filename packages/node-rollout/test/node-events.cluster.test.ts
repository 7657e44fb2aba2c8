import { runCli } from "@internal/test/cli";
import { type KubernetesObject, type TestNamespace, useCluster } from "@internal/test/cluster";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createNodeEvents } from "../src/daemon/node-events.ts";
import { createKubernetes } from "../src/kubernetes/http.ts";
import { renderRbac } from "../src/render/rbac.ts";
import type { Wait } from "../src/wait.ts";

const cluster = useCluster();
let namespace: TestNamespace;
beforeAll(async () => {
  namespace = await cluster.namespace("events");
});
afterAll(() => namespace[Symbol.asyncDispose]());

interface NodeEvent extends KubernetesObject {
  type: string;
  reason: string;
  message: string;
  count: number;
  firstTimestamp: string;
  lastTimestamp: string;
}

/** The Events about a node as `kubectl describe node` finds them, in the order of their last word. */
async function eventsOn(node: KubernetesObject): Promise<NodeEvent[]> {
  const { name, uid } = node.metadata;
  const selector = [
    ...["involvedObject.kind=Node", `involvedObject.name=${name}`, `involvedObject.uid=${uid}`],
    ...["source=node-rollout", "reportingComponent=node-rollout"],
  ];
  const query = encodeURIComponent(selector.join());
  const path = `/api/v1/namespaces/default/events?fieldSelector=${query}`;
  const { items } = await cluster.request<{ items: NodeEvent[] }>("GET", path);
  const age = ({ metadata }: NodeEvent) => Number(metadata["resourceVersion"]);
  return items.toSorted((a, b) => age(a) - age(b));
}

/** A user with what `render rbac` grants, and nothing more. */
async function drainer() {
  const role = renderRbac({ force: false, volumes: false }).at(1) as { rules: never };
  return namespace.serviceAccount(`drainer-${++drainers}`, { clusterRules: role.rules });
}
let drainers = 0;

test("a drain that a budget blocks until its time is up says so in Events, with the rights of render rbac", async () => {
  const node = await namespace.createNode("blocked");
  const labels = { app: "web" };
  const spec = { nodeName: node.metadata.name };
  await namespace.createPod("web-1", { metadata: { labels }, spec, ready: true });
  await cluster.create({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "web", namespace: namespace.name },
    spec: { minAvailable: 1, selector: { matchLabels: labels } },
  });
  const { user, kubeconfigFile } = await drainer();
  const log = await cluster.auditLog();
  // Half a minute of a blocked budget is an everyday matter and no Event.
  const { code, stdout } = await runCli(
    "node-rollout",
    ["drain", node.metadata.name, "--force", "--timeout", "45"],
    { env: { KUBECONFIG: kubeconfigFile } },
  );
  expect(code, stdout).toBe(1);
  await expect.poll(() => eventsOn(node), { timeout: 10_000 }).toHaveLength(3);
  const budget = `PodDisruptionBudget ${namespace.name}/web: allows 0, `;
  expect(await eventsOn(node)).toMatchObject([
    { type: "Normal", reason: "DrainStarted", message: "evicting 1 pods", count: 1 },
    { type: "Warning", reason: "DrainBlocked", message: expect.stringContaining(budget), count: 1 },
    {
      type: "Warning",
      reason: "DrainTimedOut",
      message: expect.stringContaining(budget),
      count: 1,
    },
  ]);
  expect(await log.count({ user, code: 403 })).toBe(0);
}, 120_000);

test("what lasts is one Event that is counted; another reason is another; an expired one begins anew", async () => {
  const node = await namespace.createNode("counted");
  const { token } = await drainer();
  const kubernetes = createKubernetes({
    server: cluster.url,
    tls: { ca: cluster.ca },
    headers: async () => ({ authorization: `Bearer ${token}` }),
  });
  const { name, uid } = node.metadata as { name: string; uid: string };
  const events = createNodeEvents(kubernetes, { name, uid });
  const begin = Date.now();
  const blockedBy = (budget: string): Wait[] =>
    Array(3).fill({
      ...{ code: "budget", object: `PodDisruptionBudget shop/${budget}`, message: "allows 0" },
      since: new Date(begin),
    });
  const figures = async () =>
    (await eventsOn(node)).map(({ reason, message, count }) => `${reason} ${message} ${count}`);

  const minutes = (count: number) => begin + count * 60_000;
  for (const minute of [0.4, 0.6, 2, 5, 6, 7, 11])
    events.blocked(blockedBy("web"), minutes(minute));
  const web = "DrainBlocked PodDisruptionBudget shop/web: allows 0";
  await expect.poll(figures).toEqual([`${web} 3`]);
  const [repeated] = await eventsOn(node);
  expect(Date.parse(repeated!.lastTimestamp)).toBeGreaterThanOrEqual(
    Date.parse(repeated!.firstTimestamp),
  );
  events.blocked(blockedBy("db"), minutes(12));
  const db = "DrainBlocked PodDisruptionBudget shop/db: allows 0";
  await expect.poll(figures).toEqual([`${web} 3`, `${db} 1`]);

  const [, last] = await eventsOn(node);
  await cluster.request("DELETE", `/api/v1/namespaces/default/events/${last!.metadata.name}`);
  events.blocked(blockedBy("db"), minutes(18));
  events.blocked(blockedBy("db"), minutes(24));
  await expect.poll(figures).toEqual([`${web} 3`, `${db} 2`]);
  events.record("Normal", "Drained", "x".repeat(2000));
  await expect.poll(figures).toHaveLength(3);
});

test("without the right to Events a drain does its work all the same", async () => {
  const node = await namespace.createNode("silent");
  const role = renderRbac({ force: false, volumes: false }).at(1) as {
    rules: { resources: string[] }[];
  };
  const clusterRules = role.rules.filter(({ resources }) => !resources.includes("events")) as never;
  const { user, kubeconfigFile } = await namespace.serviceAccount("silent", { clusterRules });
  const log = await cluster.auditLog();
  const { code, stderr } = await runCli("node-rollout", ["drain", node.metadata.name], {
    env: { KUBECONFIG: kubeconfigFile },
  });
  expect(code, stderr).toBe(0);
  expect(await eventsOn(node)).toEqual([]);
  // Refused once, it does not ask again.
  expect(await log.count({ user, resource: "events" })).toBe(1);
});
