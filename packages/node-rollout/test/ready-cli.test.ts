import { runCli } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { type FakeKubernetes, startFakeKubernetes } from "@internal/test/kubernetes/fake";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startupTaint } from "./gate-world.ts";

let kubernetes: FakeKubernetes;
const folder = makeFolder({
  "node-rollout.yaml": `queueUrl: https://sqs.eu-west-1.amazonaws.com/123456789012/q
groups: [workers]
readiness:
  conditions:
    - {type: Ready, status: "True"}
    - {type: NetworkReady, status: "True"}
  minNodeAgeSeconds: 60
  daemonSets: [{namespace: kube-system, name: cni}]
`,
  "ungated.yaml":
    "queueUrl: https://sqs.eu-west-1.amazonaws.com/123456789012/q\ngroups: [workers]\n",
});
beforeAll(async () => {
  kubernetes = await startFakeKubernetes({
    workloads: false,
    kubelet: false,
    collectAfterMs: false,
  });
  const now = new Date().toISOString();
  const condition = (type: string, status: string, reason: string) => ({
    ...{ type, status, reason, lastHeartbeatTime: now, lastTransitionTime: now },
  });
  const created = new Date(Date.now() - 3600_000).toISOString();
  const told = { result: "good", at: "2026-07-01T12:00:00.000Z" };
  const node = (name: string, network: string, annotations: Record<string, string>) => ({
    ...{ apiVersion: "v1", kind: "Node" },
    metadata: { name, creationTimestamp: created, annotations },
    spec: {
      providerID: `aws:///eu-west-1a/i-${name}`,
      taints: network === "True" ? [] : [{ key: startupTaint, effect: "NoSchedule" }],
    },
    status: {
      nodeInfo: { bootID: "boot-1" },
      conditions: [
        condition("Ready", "True", "KubeletReady"),
        condition("NetworkReady", network, "NoCni"),
      ],
    },
  });
  const owner = {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    name: "cni",
    uid: "u",
    controller: true,
  };
  kubernetes.apply(
    node("good", "True", { "node-rollout/gate": JSON.stringify({ bootId: "boot-1", told }) }),
    node("bad", "False", {}),
    {
      ...{ apiVersion: "v1", kind: "Pod" },
      metadata: { name: "cni-1", namespace: "kube-system", ownerReferences: [owner] },
      spec: { nodeName: "good", containers: [{ name: "cni", image: "cni" }] },
      status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
    },
  );
});
afterAll(async () => {
  folder[Symbol.dispose]();
  await kubernetes.close();
});

const ready = (...args: string[]) =>
  runCli("node-rollout", ["ready", ...args], {
    cwd: folder.path,
    env: { KUBECONFIG: kubernetes.kubeconfigFile() },
  });
const gated = ["--config", "node-rollout.yaml"];

it("says of a node that is ready what makes it so, and what CloudFormation knows", async () => {
  const { code, stdout, stderr } = await ready("good", ...gated);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toBe(`ok  Ready                      is True
ok  NetworkReady               is True
ok  NodeAge                    is at least 60 s
ok  DaemonSet kube-system/cni  its pod is Ready
good is ready; CloudFormation was told that it is ready at 2026-07-01T12:00:00.000Z
`);
  expect(kubernetes.problems).toEqual([]);
});

it("says of a node that is not ready why not, by its instance's id", async () => {
  const { code, stdout } = await ready("i-bad", ...gated);
  expect(stdout).toBe(`ok  Ready                      is True
no  NetworkReady               is False (NoCni), expected True
ok  NodeAge                    is at least 60 s
no  DaemonSet kube-system/cni  has no pod on this node
bad is not ready; it is behind the startup taint
`);
  expect(code).toBe(1);
});

it("reports as JSON", async () => {
  const { code, stdout } = await ready("bad", "--format", "json");
  expect(code).toBe(0); // without a configuration it asks for Ready alone
  expect(JSON.parse(stdout)).toEqual({
    ...{ node: "bad", instanceId: "i-bad", ready: true, tainted: true },
    reasons: [{ condition: "Ready", ok: true, message: "is True" }],
  });
});

it.each([
  [["nobody"], /nobody: no node has this name or instance id/],
  [[], /an argument is missing/],
  [["good", "--config", "nowhere.yaml"], /nowhere\.yaml: no such file/],
  [["good", "--config", "ungated.yaml"], /ungated\.yaml: it has no readiness block/],
  [["good", "--format", "xml"], /no such format/],
])("cannot begin with %j", async (args, message) => {
  const { code, stdout, stderr } = await ready(...args);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(message);
});
