import { startFakeAws } from "@internal/test/aws/fake";
import { directNotification } from "@internal/test/aws/notifications";
import { startQueue } from "@internal/test/aws/queue";
import { startCli } from "@internal/test/cli";
import { type Manifest, useCluster } from "@internal/test/cluster";
import { makeFolder } from "@internal/test/folder";
import { expect, test } from "vitest";
import { renderDeployment } from "../src/render/deployment.ts";
import { renderRbac } from "../src/render/rbac.ts";

const cluster = useCluster();

test("run drains a node and completes its hook with exactly what render rbac grants", async () => {
  await using namespace = await cluster.namespace("render");
  const place = { name: namespace.name, namespace: namespace.name };
  const rbac = renderRbac({ ...place, force: false, volumes: false }) as Manifest[];
  for (const object of rbac) await cluster.create(object);
  const token = await namespace.token(namespace.name);
  const group = namespace.name;
  const { metadata } = await namespace.createNode("old", {
    spec: { providerID: `aws:///eu-west-1a/i-${group}` },
  });
  await using aws = await startFakeAws();
  await using queue = await startQueue();
  aws.addGroup({ name: group, hooks: [{ name: "drain" }], instances: [`i-${group}`] });
  const [action] = aws.begin(group, `i-${group}`);
  await queue.send(directNotification(action!));
  using folder = makeFolder({ "c.yaml": `queueUrl: ${queue.url}\ngroups: [${group}]\n` });
  const log = await cluster.auditLog();

  const run = startCli("node-rollout", ["run", "--config", `${folder.path}/c.yaml`], {
    env: { ...aws.env, ...queue.env, KUBECONFIG: cluster.kubeconfigFor({ token }) },
  });
  await run.printed(/: drained/);
  run.kill("SIGTERM");
  const { code, stderr } = await run.ended;

  expect(code, stderr).toBe(0);
  expect(action).toMatchObject({ state: "completed", result: "CONTINUE" });
  const user = `system:serviceaccount:${namespace.name}:${namespace.name}`;
  const entries = await log.entries({ user });
  expect(entries.filter((entry) => entry.code === 403)).toEqual([]);
  expect(entries.some(({ name, verb }) => name === metadata.name && verb === "patch")).toBe(true);
  for (const { kind } of rbac.slice(1)) {
    const path = `/apis/rbac.authorization.k8s.io/v1/${kind.toLowerCase()}s/${namespace.name}`;
    await cluster.request("DELETE", path);
  }
}, 120_000);

test("the API server takes what render deployment prints", async () => {
  await using namespace = await cluster.namespace("deploy");
  const place = { name: "rollout", namespace: namespace.name };
  const objects = renderDeployment({
    ...{ ...place, image: "registry.example/node-rollout:1" },
    configText: "queueUrl: https://sqs.eu-west-1.amazonaws.com/1/q\ngroups: [a]\n",
  }) as Manifest[];
  for (const object of objects) await cluster.create(object);
  const path = namespace.path("deployments/rollout", "apps/v1");
  const observed = async () =>
    (await cluster.request<{ status?: { observedGeneration?: number } }>("GET", path)).status
      ?.observedGeneration;
  await expect.poll(observed, { timeout: 30_000 }).toBe(1);
  const pods = async () =>
    (await cluster.request<{ items: unknown[] }>("GET", namespace.path("pods"))).items;
  await expect.poll(pods, { timeout: 30_000 }).toHaveLength(2);
}, 90_000);
