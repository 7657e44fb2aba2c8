import { runCli, startCli } from "@internal/test/cli";
import { type TestNamespace, useCluster } from "@internal/test/cluster";
import { startFaultProxy } from "@internal/test/fault-proxy";
import { makeFolder } from "@internal/test/folder";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kubeconfig } from "./cell.ts";

const cluster = useCluster();
let namespace: TestNamespace;
const folder = makeFolder({
  "gate.yaml": `queueUrl: http://127.0.0.1/1/q
groups: [workers]
readiness:
  conditions: [{type: Ready, status: "True"}]
  daemonSets: [{namespace: kube-system, name: network}]
`,
});
beforeAll(async () => {
  namespace = await cluster.namespace("stranger");
  await namespace.createNode("n");
});
afterAll(async () => {
  folder[Symbol.dispose]();
  await namespace[Symbol.asyncDispose]();
});

const read = ["get", "list", "watch"];
/** What `status`, `ready` and `audit` read. */
const rights = {
  nodes: { apiGroups: [""], resources: ["nodes"], verbs: read },
  pods: { apiGroups: [""], resources: ["pods"], verbs: read },
  replicationcontrollers: { apiGroups: [""], resources: ["replicationcontrollers"], verbs: read },
  poddisruptionbudgets: { apiGroups: ["policy"], resources: ["poddisruptionbudgets"], verbs: read },
  deployments: { apiGroups: ["apps"], resources: ["deployments"], verbs: read },
  replicasets: { apiGroups: ["apps"], resources: ["replicasets"], verbs: read },
  statefulsets: { apiGroups: ["apps"], resources: ["statefulsets"], verbs: read },
  daemonsets: { apiGroups: ["apps"], resources: ["daemonsets"], verbs: read },
};

test.each<[command: string, lacking: keyof typeof rights]>([
  ["status", "nodes"],
  ["ready NODE", "nodes"],
  ["ready NODE --config gate.yaml", "pods"],
  ["audit", "pods"],
  ["audit", "poddisruptionbudgets"],
  ["audit", "replicasets"],
])(
  "%s without the right to %s: one sentence that names verb, resource and account, exit 2",
  async (command, lacking) => {
    const name = `no-${lacking}-${command.replace(/\W+/g, "-").toLowerCase()}`;
    const clusterRules = Object.values({ ...rights, [lacking]: undefined }).filter(
      (rule) => rule !== undefined,
    );
    const { user, kubeconfigFile } = await namespace.serviceAccount(name, { clusterRules });
    const { code, stdout, stderr } = await runCli(
      "node-rollout",
      command.replace("NODE", `${namespace.name}-n`).split(" "),
      { cwd: folder.path, env: { KUBECONFIG: kubeconfigFile } },
    );
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(/^node-rollout: /);
    expect(stderr).toContain(`User "${user}" cannot `);
    expect(stderr).toMatch(new RegExp(`cannot (get|list) resource "${lacking}"`));
  },
);

test("a node that nobody knows, by name and by instance", async () => {
  const env = { KUBECONFIG: cluster.kubeconfigFile };
  for (const target of ["nobody", "i-0123456789abcdef0"]) {
    const { code, stdout, stderr } = await runCli("node-rollout", ["ready", target], { env });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(`node-rollout: ${target}: no node has this name or instance id\n`);
  }
});

test("what is no terminal gets no colours, and json beside text its own file", async () => {
  const env = { KUBECONFIG: cluster.kubeconfigFile, FORCE_COLOR: undefined };
  const report = `${folder.path}/ready.json`;
  const args = ["ready", `${namespace.name}-n`, "--format", "text", "--format", `json=${report}`];
  const { code, stdout, stderr } = await runCli("node-rollout", args, { env });
  // No kubelet has sent a heartbeat.
  expect([code, stderr]).toEqual([1, ""]);
  expect(stdout).toMatch(/ is not ready/);
  expect(stdout).not.toContain("\u001b");
  const { default: json } = await import(report, { with: { type: "json" } });
  expect(json).toMatchObject({ node: `${namespace.name}-n`, ready: false, tainted: false });
});

test.each(["status", "audit", "ready NODE"])(
  "Ctrl-C in the middle of %s ends it with 130 and no word",
  async (command) => {
    await using proxy = await startFaultProxy(cluster.url, { upstreamCa: cluster.ca });
    const arrived = proxy.next({});
    const answered = Promise.withResolvers<void>();
    proxy.beforeForward = async () => {
      await answered.promise;
      return undefined;
    };
    using own = makeFolder({ kubeconfig: kubeconfig(proxy, cluster.token) });
    const env = { KUBECONFIG: `${own.path}/kubeconfig` };
    const run = startCli("node-rollout", command.replace("NODE", "n").split(" "), { env });
    await arrived;
    run.kill("SIGINT");
    const { code, stdout, stderr } = await run.ended;
    answered.resolve();
    expect({ code, stdout, stderr }).toEqual({ code: 130, stdout: "", stderr: "" });
  },
);
