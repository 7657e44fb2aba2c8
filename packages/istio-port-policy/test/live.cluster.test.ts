import { binOf, runCli, startProcess } from "@internal/test/cli";
import { type Cluster, type TestNamespace, useCluster } from "@internal/test/cluster";
import { component } from "@internal/test/components";
import { makeFolder } from "@internal/test/folder";
import { loadAll } from "js-yaml";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CheckReport } from "../src/index.ts";

/** More than a page, which has 500. */
const count = 501;
const rbac = "/apis/rbac.authorization.k8s.io/v1";

const cluster: Cluster = useCluster();
let namespace: TestNamespace;

beforeAll(async () => {
  namespace = await cluster.namespace("live");
  const path = `/api/v1/namespaces/${namespace.name}/services`;
  const create = (index: number) =>
    cluster.request("POST", path, {
      metadata: { name: `s${index}` },
      spec: { clusterIP: "None", ports: [{ name: "web", port: 80 }] },
    });
  for (let first = 0; first < count; first += 50) {
    const indexes = Array.from({ length: Math.min(50, count - first) }, (_, at) => first + at);
    await Promise.all(indexes.map(create));
  }
});
afterAll(async () => {
  await namespace[Symbol.asyncDispose]();
  await cluster.request("DELETE", `${rbac}/clusterrolebindings/istio-port-policy`);
  await cluster.request("DELETE", `${rbac}/clusterroles/istio-port-policy`);
});

const check = (kubeconfig: string, ...args: string[]) =>
  runCli("istio-port-policy", ["check", "--cluster", "--format=json", ...args], {
    env: { KUBECONFIG: kubeconfig },
  });

/** As in a pod: in a mount namespace with a folder where client-node looks for the kubelet's. */
function checkInPod(tokens: string, env: Record<string, string>) {
  const namespaces = process.getuid?.() === 0 ? ["--mount"] : ["--map-root-user", "--mount"];
  const script = `mount -t tmpfs tmpfs /run
mkdir -p /run/secrets/kubernetes.io
cp -R "$1" /run/secrets/kubernetes.io/serviceaccount
shift
exec "$@"`;
  const command = [process.execPath, binOf("istio-port-policy"), "check", "--cluster"];
  return startProcess(
    "unshare",
    [...namespaces, "sh", "-ec", script, "sh", tokens, ...command, "--format=json"],
    { env: { HOME: cluster.folder, ...env } },
  ).ended;
}

function foundIn(stdout: string): string[] {
  const { findings }: CheckReport = JSON.parse(stdout);
  const here = findings.filter((finding) => finding.namespace === namespace.name);
  return here.map(({ service }) => service).sort();
}

const all = Array.from({ length: count }, (_, index) => `s${index}`).sort();

test("with the rendered role, and nothing else, every page of Services is checked", async () => {
  const account = await namespace.serviceAccount("checker");
  const refused = await check(account.kubeconfigFile);
  expect(refused.stderr).toMatch(
    /not allowed to list namespaces .*\(403\); istio-port-policy render rbac/,
  );
  expect(refused.code).toBe(2);

  const render = ["render", "rbac", "--service-account", "checker", "--namespace", namespace.name];
  const { stdout: role } = await runCli("istio-port-policy", render);
  for (const object of loadAll(role)) await cluster.create(object as never);
  const log = await cluster.auditLog();
  const { code, stdout, stderr } = await check(account.kubeconfigFile);
  expect([code, stderr]).toEqual([1, ""]);
  expect(foundIn(stdout)).toEqual(all);

  const asked = await log.entries({ user: account.user });
  const pages = asked.filter(({ resource }) => resource === "services");
  expect(new Set(asked.map(({ verb, resource }) => `${verb} ${resource}`))).toEqual(
    new Set(["list namespaces", "list services"]),
  );
  expect(pages.length).toBeGreaterThanOrEqual(2);
  expect(pages.every(({ uri }) => uri.includes("limit=500"))).toBe(true);
  expect(pages.slice(1).every(({ uri }) => uri.includes("continue="))).toBe(true);
});

test("in a pod, its account's token reaches every page with the rendered role", async () => {
  const pod = await namespace.createPod("checker", { spec: { serviceAccountName: "checker" } });
  const tokens = await namespace.podBoundTokenFolder(pod);
  const { hostname, port } = new URL(cluster.url);
  const server = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  const log = await cluster.auditLog();
  const { code, stdout, stderr } = await checkInPod(tokens, server);
  expect([code, stderr]).toEqual([1, ""]);
  expect(foundIn(stdout)).toEqual(all);
  const user = `system:serviceaccount:${namespace.name}:checker`;
  expect(await log.entries({ user })).not.toEqual([]);

  using empty = makeFolder();
  const noPod = await checkInPod(empty.path, server);
  expect(noPod.stderr).toMatch(/^istio-port-policy: no kubeconfig: .* and this is no pod\n$/);
  const noServer = await checkInPod(tokens, {});
  expect(noServer.stderr).toMatch(/^istio-port-policy: a pod's token, but no server: /);
  expect([noPod.code, noServer.code]).toEqual([2, 2]);
});

test("a token that is none is told", async () => {
  const { code, stderr } = await check(cluster.kubeconfigFor({ token: "none" }));
  expect(stderr).toMatch(/: not authenticated \(401\); log in again/);
  expect(code).toBe(2);
});

test("kubectl's list through the pipe gives the same, a Namespace's opt-out included", async () => {
  const kubectl = await component("kubectl");
  const piped = async () => {
    const get = ["get", "services,namespaces", "-A", "-o", "json"];
    const env = { KUBECONFIG: cluster.kubeconfigFile };
    const { stdout: input } = await startProcess(kubectl, get, { env }).ended;
    return (await runCli("istio-port-policy", ["check", "--format=json", "-"], { input })).stdout;
  };
  expect(foundIn(await piped())).toEqual(all);
  const label = { metadata: { labels: { "istio-port-policy": "disabled" } } };
  await cluster.request("PATCH", `/api/v1/namespaces/${namespace.name}`, label);
  expect(foundIn(await piped())).toEqual([]);
  expect(foundIn((await check(cluster.kubeconfigFile)).stdout)).toEqual([]);
});
