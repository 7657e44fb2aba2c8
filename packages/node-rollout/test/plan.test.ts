import { expect, test } from "vitest";
import { type DrainPolicy, planDrain } from "../src/drain/plan.ts";

const controller = (kind: string, name: string) => [{ kind, name, controller: true }];
const replicated = { ownerReferences: controller("ReplicaSet", "web-1") };

interface Parts {
  metadata?: object;
  spec?: object | null;
  status?: object | null;
}

function pod({ metadata = {}, spec = {}, status = { phase: "Running" } }: Parts = {}) {
  return {
    metadata: { namespace: "shop", name: "web", uid: "u1", ...replicated, ...metadata },
    spec,
    status,
  };
}

function budget(name: string, selector: object | null, status: object = {}) {
  return { metadata: { namespace: "shop", name }, spec: { selector }, status };
}

function verdictOn(object: object, policy?: DrainPolicy, budgets: object[] = []) {
  const { pods, blocked } = planDrain([object], budgets, policy as DrainPolicy);
  expect(blocked).toEqual(pods.filter(({ action }) => action === "block"));
  return pods[0]!;
}

const emptyDir = { volumes: [{ name: "cache", emptyDir: {} }] };
const annotated = (key: string, value: string) => ({ annotations: { [key]: value } });
const tolerating = (toleration: object) => ({ tolerations: [toleration] });

test.each<[string, Parts, DrainPolicy, "evict" | "skip" | "block", RegExp]>([
  ["a replicated pod", {}, {}, "evict", /ReplicaSet web-1 starts it again/],
  [
    "a DaemonSet's",
    { metadata: { ownerReferences: controller("DaemonSet", "logs") } },
    {},
    "skip",
    /DaemonSet logs/,
  ],
  [
    "a DaemonSet's, not to be ignored",
    { metadata: { ownerReferences: controller("DaemonSet", "logs") } },
    { ignoreDaemonSets: false },
    "block",
    /DaemonSet logs/,
  ],
  ["a mirror", { metadata: annotated("kubernetes.io/config.mirror", "x") }, {}, "skip", /mirror/],
  [
    "a mirror by its owner",
    { metadata: { ownerReferences: controller("Node", "n") } },
    {},
    "skip",
    /mirror/,
  ],
  ["a finished one", { status: { phase: "Succeeded" }, spec: emptyDir }, {}, "skip", /finished/],
  ["a failed one", { status: { phase: "Failed" } }, {}, "skip", /finished/],
  ["with data", { spec: emptyDir }, {}, "block", /emptyDir cache/],
  ["with data, as asked", { spec: emptyDir }, { deleteEmptyDir: true }, "evict", /starts it/],
  ["bare", { metadata: { ownerReferences: null } }, {}, "block", /unreplicated/],
  [
    "bare, as asked",
    { metadata: { ownerReferences: [] } },
    { evictUnreplicated: true },
    "evict",
    /unreplicated, evicted as asked/,
  ],
  [
    "owned, but by no controller",
    { metadata: { ownerReferences: [{ kind: "ConfigMap", name: "x" }] } },
    {},
    "block",
    /unreplicated/,
  ],
  [
    "not to be disrupted, for Karpenter",
    { metadata: annotated("karpenter.sh/do-not-disrupt", "true") },
    {},
    "block",
    /do-not-disrupt/,
  ],
  [
    "not to be disrupted, which is off",
    { metadata: annotated("karpenter.sh/do-not-disrupt", "false") },
    {},
    "evict",
    /starts it/,
  ],
  [
    "not to be disrupted, for Cluster Autoscaler",
    { metadata: annotated("cluster-autoscaler.kubernetes.io/safe-to-evict", "false") },
    { evictUnreplicated: true, deleteEmptyDir: true },
    "block",
    /safe-to-evict/,
  ],
  ["tolerating everything", { spec: tolerating({ operator: "Exists" }) }, {}, "skip", /tolerates/],
  [
    "tolerating the cordon",
    { spec: tolerating({ key: "node.kubernetes.io/unschedulable", operator: "Exists" }) },
    {},
    "skip",
    /tolerates/,
  ],
  [
    "tolerating only to be executed",
    { spec: tolerating({ operator: "Exists", effect: "NoExecute" }) },
    {},
    "evict",
    /starts it/,
  ],
  [
    "tolerating everything and not to be disrupted",
    {
      metadata: annotated("karpenter.sh/do-not-disrupt", "true"),
      spec: tolerating({ operator: "Exists" }),
    },
    {},
    "block",
    /do-not-disrupt/,
  ],
  ["going", { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } }, {}, "skip", /terminating/],
  ["oneself", {}, { ownPodUid: "u1" }, "evict", /own pod, goes last/],
])("%s: the plan", (_, parts, policy, action, reason) => {
  expect(verdictOn(pod(parts), policy)).toMatchObject({
    action,
    reason: expect.stringMatching(reason),
  });
});

test("everything that keeps a pod is told at once", () => {
  const parts = { metadata: { ownerReferences: [] }, spec: emptyDir };
  const budgets = [budget("a", {}), budget("b", {})];
  expect(verdictOn(pod(parts), {}, budgets).reason).toBe(
    "unreplicated: no controller starts it again; evictUnreplicated evicts it anyway; " +
      "emptyDir cache would be lost; deleteEmptyDir evicts it anyway; " +
      "two PodDisruptionBudgets select it (a, b): it can never be evicted",
  );
});

test("budgets: two block, null selects nothing, other namespaces do not count, a full one is named", () => {
  const object = pod({
    metadata: { labels: { app: "web" } },
    status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
  });
  const app = { matchLabels: { app: "web" } };
  const elsewhere = { ...budget("b", {}), metadata: { namespace: "other", name: "b" } };
  expect(verdictOn(object, {}, [budget("a", app), budget("b", {})]).action).toBe("block");
  expect(verdictOn(object, {}, [budget("a", app), budget("b", null), elsewhere])).toMatchObject({
    action: "evict",
    reason: expect.stringContaining("PodDisruptionBudget a allows none at present"),
  });
  const pending = { ...object, status: { phase: "Pending" } };
  expect(verdictOn(pending, {}, [budget("a", app), budget("b", {})]).action).toBe("evict");
});

test.each<[string, DrainPolicy, object, number]>([
  ["the pod's own", {}, { terminationGracePeriodSeconds: 90 }, 90],
  ["the default", {}, {}, 30],
  ["negative: the pod's own", { graceSeconds: -1 }, { terminationGracePeriodSeconds: 7 }, 7],
  ["never 0", { graceSeconds: 0 }, {}, 1],
  ["never 0 by the pod either", {}, { terminationGracePeriodSeconds: 0 }, 1],
  ["whole seconds", { graceSeconds: 1.5 }, {}, 2],
  ["not for critical pods", { criticalGraceSeconds: 5 }, {}, 30],
])("grace: %s", (_, policy, spec, grace) => {
  expect(verdictOn(pod({ spec }), policy).graceSeconds).toBe(grace);
});

test("application pods go first, then critical ones, each with its grace, and one's own last", () => {
  const own = { ...pod(), metadata: { ...pod().metadata, uid: "own", name: "own" } };
  const system = (name: string, spec: object) => pod({ metadata: { name, uid: name }, spec });
  const pods = [
    own,
    system("dns", { priorityClassName: "system-cluster-critical" }),
    system("net", { priority: 2_000_001_000 }),
    pod(),
  ];
  const policy = { ownPodUid: "own", graceSeconds: 3, criticalGraceSeconds: 9 };
  expect(
    planDrain(pods, [], policy).pods.map(({ pod, group, graceSeconds }) => [
      pod.name,
      group,
      graceSeconds,
    ]),
  ).toEqual([
    ["web", "application", 3],
    ["dns", "critical", 9],
    ["net", "critical", 9],
    ["own", "critical", 9],
  ]);
});

test("objects with holes are no failure", () => {
  const holes = [
    {},
    { metadata: null, spec: null, status: null },
    pod({ spec: { volumes: null, tolerations: null, priority: null }, status: null }),
    { metadata: { labels: null, annotations: null, ownerReferences: null } },
  ];
  const budgets = [{}, { metadata: null, spec: null, status: null }, budget("a", null)];
  const { pods } = planDrain(holes, budgets, undefined as unknown as DrainPolicy);
  expect(pods).toHaveLength(4);
  expect(new Set(pods.map(({ graceSeconds }) => graceSeconds))).toEqual(new Set([30]));
  const nulls = { graceSeconds: null, ownPodUid: null } as unknown as DrainPolicy;
  expect(verdictOn(pod(), nulls)).toMatchObject({ action: "evict", graceSeconds: 30 });
});
