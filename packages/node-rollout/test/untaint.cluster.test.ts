import { runCli } from "@internal/test/cli";
import { type Manifest, type TestNamespace, useCluster } from "@internal/test/cluster";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { taintAgain, untaint } from "../src/gate/changes.ts";
import { changeNode } from "../src/gate/untaint.ts";
import { createKubernetes } from "../src/kubernetes/http.ts";
import type { Kubernetes } from "../src/kubernetes/kubernetes.ts";
import { type Node, type Taint, toNode } from "../src/kubernetes/objects.ts";

const cluster = useCluster();
let namespace: TestNamespace;
let kubernetes: Kubernetes;
beforeAll(async () => {
  namespace = await cluster.namespace("untaint");
  kubernetes = createKubernetes({
    server: cluster.url,
    tls: { ca: cluster.ca },
    headers: async () => ({ authorization: `Bearer ${cluster.token}` }),
  });
});
afterAll(() => namespace[Symbol.asyncDispose]());

const ours = "example.org/starting";
const theirs = (name: string): Taint => ({
  key: `example.org/${name}`,
  effect: "PreferNoSchedule",
});

async function createNode(name: string): Promise<Node> {
  const taints = [theirs("first"), { key: ours, effect: "NoSchedule" }];
  return toNode(await namespace.createNode(name, { spec: { taints }, ready: false }));
}

/** The taints that this test has put on a node; the node controller has its own. */
async function keysOf({ metadata }: Node): Promise<string[]> {
  const node = toNode(await cluster.request("GET", `/api/v1/nodes/${metadata.name}`));
  const keys = node.spec.taints.map(({ key }) => key);
  return keys.filter((key) => key.startsWith("example.org/")).sort();
}

/** Another writer, who adds a taint of its own and touches nothing else. */
function addTaint({ metadata }: Node, taint: Taint): Promise<unknown> {
  const patch = [{ op: "add", path: "/spec/taints/-", value: taint }];
  const contentType = "application/json-patch+json";
  return cluster.request("PATCH", `/api/v1/nodes/${metadata.name}`, patch, { contentType });
}

test("a hundred rounds of other writers at the same time lose none of their taints, and ours goes and comes", async () => {
  const node = await createNode("crowd");
  const all = [theirs("first").key];
  for (let round = 0; round < 100; round++) {
    const writers = [0, 1, 2].map((index) => theirs(`round-${round}-${index}`));
    const back = round % 2 === 1;
    const change = back ? taintAgain(ours, new Date().toISOString()) : untaint(ours, undefined);
    // What we know of the node is old from the second round on: that is found out, not written over it.
    await Promise.all([
      changeNode(kubernetes, node, change),
      ...writers.map((taint) => addTaint(node, taint)),
    ]);
    all.push(...writers.map(({ key }) => key));
    expect(await keysOf(node)).toEqual([...all, ...(back ? [ours] : [])].sort());
  }
}, 300_000);

/** Lets another writer in between our read and our write, once. */
function interrupted(node: Node, taint: Taint, alter: (body: object) => object): Kubernetes {
  let isDue = true;
  return {
    ...kubernetes,
    async request<T>(request: Parameters<Kubernetes["request"]>[0]): Promise<T> {
      if (request.method !== "PATCH" || request.body === undefined) {
        return kubernetes.request<T>(request);
      }
      if (isDue) await addTaint(node, taint);
      isDue = false;
      return kubernetes.request<T>({ ...request, body: alter(request.body) });
    },
  };
}

test("a write between our read and our write is kept, and would be lost without the version", async () => {
  const late = theirs("late");
  const careful = await createNode("careful");
  await changeNode(
    interrupted(careful, late, (body) => body),
    careful,
    untaint(ours, undefined),
  );
  expect(await keysOf(careful)).toEqual([theirs("first").key, late.key].sort());

  const careless = await createNode("careless");
  const withoutVersion = (body: object) => {
    const { metadata, ...rest } = body as { metadata: Record<string, unknown> };
    const { resourceVersion: _, ...kept } = metadata;
    return { metadata: kept, ...rest };
  };
  await changeNode(interrupted(careless, late, withoutVersion), careless, untaint(ours, undefined));
  expect(await keysOf(careless)).toEqual([theirs("first").key]);
});

test("a node that has been replaced by one of the same name is not touched", async () => {
  const node = await createNode("replaced");
  const path = `/api/v1/nodes/${node.metadata.name}`;
  await cluster.request("DELETE", path);
  const spec = { taints: [{ key: ours, effect: "NoSchedule" }] };
  await cluster.request("POST", "/api/v1/nodes", { metadata: { name: node.metadata.name }, spec });
  expect(await changeNode(kubernetes, node, untaint(ours, undefined))).toBeUndefined();
  expect(await keysOf(node)).toContain(ours);
});

test("the API server takes node-problem-detector as it is rendered, to the last field", async () => {
  const { code, stdout, stderr } = await runCli("node-rollout", [
    ...["render", "npd", "--image", "registry.example/npd:1"],
    ...["--name", namespace.name, "--namespace", namespace.name],
  ]);
  expect([code, stderr]).toEqual([0, ""]);
  const paths: Record<string, string> = {
    ServiceAccount: namespace.path("serviceaccounts"),
    ConfigMap: namespace.path("configmaps"),
    DaemonSet: namespace.path("daemonsets", "apps/v1"),
    ClusterRoleBinding: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
  };
  for (const document of parseAllDocuments(stdout)) {
    const object = document.toJS() as Manifest;
    const strict = `${paths[object.kind]}?dryRun=All&fieldValidation=Strict`;
    await cluster.request("POST", strict, object);
  }
  const role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node-problem-detector";
  const { rules } = await cluster.request<
    { rules: { resources: string[] }[] } & Manifest & { metadata: never }
  >("GET", role);
  expect(rules.flatMap(({ resources }) => resources)).toContain("nodes/status");
});
