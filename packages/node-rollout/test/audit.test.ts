import { describe, expect, it } from "vitest";
import { auditBudgets } from "../src/audit/audit.ts";
import { coverWorkloads } from "../src/audit/coverage.ts";
import {
  budget,
  controller,
  deployment,
  ownedBy,
  pod,
  podsOf,
  replicaSet,
} from "./audit-fixtures.ts";

const web = { kind: "Deployment", name: "web" };
const one = { maxUnavailable: 1 };

/** The findings as `code workload nodes`, which is what most cases are about. */
function audit(workloads: object[], budgets: object[], pods: object[] = [], nodes?: number) {
  const { findings } = auditBudgets(workloads, budgets, pods, nodes === undefined ? {} : { nodes });
  return findings.map(({ code, workload, nodes: set = [] }) =>
    [code, `${workload.kind}/${workload.name}`, ...set].join(" "),
  );
}

describe("a workload without a budget", () => {
  it.each(["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Rollout"])(
    "%s",
    (kind) => {
      const given = controller(kind, "web", 3);
      expect(audit([given], [])).toEqual([`no-budget ${kind}/web`]);
      expect(audit([given], [budget("web", one)])).toEqual([]);
      expect(audit([given], [budget("other", one)])).toEqual([`no-budget ${kind}/web`]);
      const elsewhere = { ...budget("web", one), metadata: { name: "web", namespace: "other" } };
      expect(audit([given], [elsewhere])).toEqual([`no-budget ${kind}/web`]);
    },
  );

  it("is no problem with zero replicas, and none for what has no replicas", () => {
    const kinds = ["DaemonSet", "Job", "CronJob"].map((kind) =>
      controller(kind, "each", undefined),
    );
    expect(audit([deployment("web", 0), ...kinds], [])).toEqual([]);
    expect(audit([deployment("web", 0)], [budget("web", { minAvailable: 1 })])).toEqual([]);
  });

  it("may be a bare Pod, running or about to", () => {
    const pods = [
      pod("a"),
      pod("b", { phase: "Succeeded" }),
      pod("c", { phase: "Pending", ready: false }),
    ];
    expect(audit([], [], pods)).toEqual(["no-budget Pod/a", "no-budget Pod/c"]);
    expect(audit([pod("a")], [])).toEqual(["no-budget Pod/a"]);
  });

  it("has one replica when its manifest does not say", () => {
    expect(audit([controller("Deployment", "web", undefined)], [])).toEqual([
      "no-budget Deployment/web",
      "single-replica Deployment/web",
    ]);
  });

  it("may be known by its pods alone", () => {
    const rollout = { kind: "Rollout", name: "web" };
    expect(audit([], [], podsOf(rollout, ["a", "b"]))).toEqual(["no-budget Rollout/web"]);
    expect(audit([], [budget("web", one)], podsOf(rollout, ["a", "b", "c"]))).toEqual([]);
    expect(
      audit([], [budget("web", { minAvailable: 3 })], podsOf(rollout, ["a", "b", "c"])),
    ).toContain("never-allows Rollout/web");
  });
});

describe("a selector", () => {
  const cases: [what: string, selector: object | null | undefined, covers: boolean][] = [
    ["that is empty selects all", {}, true],
    ["that is null selects none", null, false],
    ["that is absent selects none", undefined, false],
    ["of equal labels", { matchLabels: { app: "web" } }, true],
    ["of more labels than the pods have", { matchLabels: { app: "web", tier: "x" } }, false],
    [
      "with In",
      { matchExpressions: [{ key: "app", operator: "In", values: ["api", "web"] }] },
      true,
    ],
    [
      "with NotIn on an absent label",
      { matchExpressions: [{ key: "tier", operator: "NotIn", values: ["x"] }] },
      true,
    ],
    [
      "with NotIn on its value",
      { matchExpressions: [{ key: "app", operator: "NotIn", values: ["web"] }] },
      false,
    ],
    ["with Exists", { matchExpressions: [{ key: "app", operator: "Exists" }] }, true],
    ["with DoesNotExist", { matchExpressions: [{ key: "app", operator: "DoesNotExist" }] }, false],
    [
      "with both, one of them wrong",
      { matchLabels: { app: "web" }, matchExpressions: [{ key: "app", operator: "DoesNotExist" }] },
      false,
    ],
    [
      "of an inherited property",
      { matchExpressions: [{ key: "toString", operator: "Exists" }] },
      false,
    ],
  ];
  it.each(cases)("%s", (_what, selector, covers) => {
    const given = { ...budget("any", one), spec: { maxUnavailable: 1, selector } };
    expect(audit([deployment("web", 3)], [given])).toEqual(
      covers ? [] : ["no-budget Deployment/web"],
    );
  });
});

describe("two budgets", () => {
  it("on the same pods are an error", () => {
    const budgets = [budget("web", one), budget("all", { minAvailable: 1, selector: {} })];
    const { findings } = auditBudgets([deployment("web", 3)], budgets, []);
    expect(findings).toEqual([
      {
        code: "two-budgets",
        severity: "error",
        workload: { kind: "Deployment", namespace: "shop", name: "web" },
        message:
          "is selected by 2 PodDisruptionBudgets, all and web: the eviction API refuses such pods",
      },
    ]);
  });

  it("on different pods of a workload are none", () => {
    const db = { kind: "StatefulSet", name: "db" };
    const pods = ["a", "b"].map((node, i) =>
      pod(`db-${i}`, {
        node,
        owner: db,
        labels: { app: "db", "statefulset.kubernetes.io/pod-name": `db-${i}` },
      }),
    );
    const budgets = [0, 1].map((i) =>
      budget(`db-${i}`, { minAvailable: 0 }, { "statefulset.kubernetes.io/pod-name": `db-${i}` }),
    );
    expect(audit([controller("StatefulSet", "db", 2)], budgets, pods)).toEqual([]);
  });
});

describe("a budget that never allows a disruption", () => {
  const cases: [spec: object, replicas: number, never: boolean][] = [
    [{ maxUnavailable: 0 }, 3, true],
    [{ maxUnavailable: "0%" }, 3, true],
    [{ maxUnavailable: "1%" }, 3, false],
    [{ minAvailable: 3 }, 3, true],
    [{ minAvailable: 4 }, 3, true],
    [{ minAvailable: 2 }, 3, false],
    [{ minAvailable: "100%" }, 3, true],
    [{ minAvailable: "50%" }, 1, true],
    [{ minAvailable: "50%" }, 3, false],
    [{ minAvailable: "67%" }, 3, true],
    [{ minAvailable: "66%" }, 3, false],
    [{ maxUnavailable: "50%" }, 1, false],
    [{ minAvailable: 0 }, 1, false],
    [{}, 3, true],
    [{ minAvailable: 1, maxUnavailable: 1 }, 3, true],
    [{ minAvailable: "two" }, 3, true],
    [{ minAvailable: "101%" }, 3, true],
    [{ maxUnavailable: -1 }, 3, true],
    [{ maxUnavailable: "1" }, 3, true],
    [{ maxUnavailable: 1.5 }, 3, true],
  ];
  it.each(cases)("%j of %d: %s", (spec, replicas, never) => {
    const found = audit([deployment("web", replicas)], [budget("web", spec)]);
    expect(found.includes("never-allows Deployment/web")).toBe(never);
  });

  it("counts over all the workloads it selects", () => {
    const workloads = [deployment("a", 1, { tier: "x" }), deployment("b", 2, { tier: "x" })];
    const both = (spec: object) => audit(workloads, [budget("x", spec, { tier: "x" })]);
    expect(both({ minAvailable: 2 })).toEqual(["single-replica Deployment/a"]);
    expect(both({ minAvailable: 3 })).toEqual([
      "never-allows Deployment/a",
      "single-replica Deployment/a",
      "never-allows Deployment/b",
    ]);
  });

  it("refers a percentage to all replicas though it selects few of the pods", () => {
    const db = { kind: "StatefulSet", name: "db" };
    const pods = ["a", "b", "c"].map((node, i) =>
      pod(`db-${i}`, { node, owner: db, labels: { app: "db", index: `${i}` } }),
    );
    const found = audit(
      [controller("StatefulSet", "db", 3)],
      [budget("first", one, { index: "0" })],
      pods,
    );
    expect(found).toContain("never-allows StatefulSet/db");
  });

  it("is one that refers to replicas but selects bare Pods only", () => {
    const pods = [pod("a", { labels: { app: "x" } }), pod("b", { labels: { app: "x" } })];
    const codes = (spec: object) => audit([], [budget("x", spec)], pods);
    expect(codes({ maxUnavailable: 1 })).toEqual(["never-allows Pod/a", "never-allows Pod/b"]);
    expect(codes({ minAvailable: "50%" })).toEqual(["never-allows Pod/a", "never-allows Pod/b"]);
    expect(codes({ minAvailable: 1 })).toEqual([]);
    expect(codes({ minAvailable: 2 })).toEqual(["never-allows Pod/a", "never-allows Pod/b"]);
  });

  it("is one that refers to replicas and selects pods of what has none", () => {
    const workloads = [
      deployment("web", 3),
      controller("DaemonSet", "agent", undefined, { app: "web" }),
    ];
    expect(audit(workloads, [budget("web", one)])).toEqual(["never-allows Deployment/web"]);
    expect(audit(workloads, [budget("web", { minAvailable: 1 })])).toEqual([]);
  });
});

describe("pods", () => {
  it("belong to the Deployment above their ReplicaSet", () => {
    const old = replicaSet("web-1", 0, web);
    const current = replicaSet("web-2", 3, web);
    const pods = podsOf({ kind: "ReplicaSet", name: "web-2" }, ["a", "a", "a"], { app: "web" });
    const given = [deployment("web", 3), old, current];
    expect(audit(given, [budget("web", one)], pods)).toEqual(["one-node Deployment/web a"]);
    expect(auditBudgets(given, [], pods).checked).toEqual({ workloads: 1, budgets: 0 });
  });

  it("belong to the Deployment that selects them where the ReplicaSet was not given", () => {
    const pods = podsOf({ kind: "ReplicaSet", name: "web-2" }, ["a", "a", "a"], { app: "web" });
    expect(audit([deployment("web", 3)], [budget("web", one)], pods)).toEqual([
      "one-node Deployment/web a",
    ]);
    const orphans = pods.map((each) => ({
      ...each,
      metadata: { ...each.metadata, ownerReferences: [] },
    }));
    expect(audit([deployment("web", 3)], [budget("web", one)], orphans)).toEqual([
      "one-node Deployment/web a",
    ]);
  });

  it("belong to the custom controller above their ReplicaSet, given or not", () => {
    const rollout = { kind: "Rollout", name: "web" };
    const pods = podsOf({ kind: "ReplicaSet", name: "web-2" }, ["a", "b", "c"], { app: "web" });
    const sets = [replicaSet("web-1", 0, rollout), replicaSet("web-2", 3, rollout)];
    expect(audit(sets, [], pods)).toEqual(["no-budget Rollout/web"]);
    expect(audit([...sets, controller("Rollout", "web", 3)], [], pods)).toEqual([
      "no-budget Rollout/web",
    ]);
    expect(audit(sets, [budget("web", { minAvailable: 3 })], pods)).toContain(
      "never-allows Rollout/web",
    );
  });

  it("of a custom controller's versions count version by version, a Deployment's all together", () => {
    const expected = (kind: string) => {
      const owner = { kind, name: "web" };
      const sets = [replicaSet("web-1", 5, owner), replicaSet("web-2", 1, owner)];
      const pods = [
        ...podsOf({ kind: "ReplicaSet", name: "web-1" }, ["a", "a", "b", "b", "c"]),
        ...podsOf({ kind: "ReplicaSet", name: "web-2" }, ["c"]),
      ].map((each) => ({ ...each, metadata: { ...each.metadata, labels: { app: "web" } } }));
      const workloads = [controller(kind, "web", 5), ...sets];
      const [covered] = coverWorkloads(workloads, [budget("web", { maxUnavailable: 1 })], pods);
      return covered?.budgets.map(({ current }) => current.expectedPods);
    };
    expect(expected("Rollout")).toEqual([6]);
    expect(expected("Deployment")).toEqual([5]);
  });

  it("of an earlier object of the same name are not its own", () => {
    const stale = podsOf(web, ["a", "a"]).map((each) => ({
      ...each,
      metadata: {
        ...each.metadata,
        ownerReferences: [{ ...web, uid: "earlier", controller: true }],
      },
    }));
    expect(audit([deployment("web", 2)], [budget("web", one)], stale)).not.toContain(
      "one-node Deployment/web a",
    );
  });

  it("that are not Ready block their own eviction unless the budget says AlwaysAllow", () => {
    const pods = [
      ...podsOf(web, ["a", "b"]),
      pod("web-2", { node: "c", owner: web, ready: false }),
    ];
    const given = (spec: object) => audit([deployment("web", 3)], [budget("web", spec)], pods, 0);
    expect(given({ maxUnavailable: 1 })).toEqual([]);
    expect(given({ minAvailable: "70%" })).toEqual(["never-allows Deployment/web"]);
    const sick = pods.map((each, i) =>
      i === 0 ? pod("web-0", { node: "a", owner: web, ready: false }) : each,
    );
    const blocked = (spec: object) => audit([deployment("web", 3)], [budget("web", spec)], sick, 0);
    expect(blocked({ maxUnavailable: 1 })).toEqual(["unhealthy-blocks Deployment/web"]);
    expect(blocked({ maxUnavailable: 1, unhealthyPodEvictionPolicy: "IfHealthyBudget" })).toEqual([
      "unhealthy-blocks Deployment/web",
    ]);
    expect(blocked({ maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow" })).toEqual([]);
    // Nothing has to be healthy, and yet nothing is allowed while nothing is.
    const none = ["a", "b"].map((node, i) => pod(`web-${i}`, { node, owner: web, ready: false }));
    expect(
      audit([deployment("web", 2)], [budget("web", { maxUnavailable: "100%" })], none, 0),
    ).toEqual(["unhealthy-blocks Deployment/web"]);
  });
});

describe("nodes that go down at once", () => {
  it("are named when one is enough", () => {
    const pods = podsOf(web, ["a", "b", "b"]);
    expect(audit([deployment("web", 3)], [budget("web", { minAvailable: 2 })], pods)).toEqual([
      "nodes-below-minimum Deployment/web b",
    ]);
  });

  it("are no finding where every pod has its own and the budget bears the loss of one", () => {
    const pods = podsOf(web, ["a", "b", "c"]);
    expect(audit([deployment("web", 3)], [budget("web", one)], pods)).toEqual([]);
  });

  it("are named in pairs where pods share them, and in larger sets when asked for", () => {
    const pods = podsOf(web, ["a", "a", "b", "b", "c", "c"]);
    const given = (spec: object, nodes?: number) =>
      audit([deployment("web", 6)], [budget("web", spec)], pods, nodes);
    expect(given({ minAvailable: 3 })).toEqual(["nodes-below-minimum Deployment/web a b"]);
    expect(given({ minAvailable: 1 })).toEqual([]);
    expect(given({ minAvailable: 1 }, 3)).toEqual(["nodes-to-zero Deployment/web a b c"]);
    expect(given({ minAvailable: 3 }, 1)).toEqual([]);
  });

  it("without a budget take a workload to zero", () => {
    expect(audit([deployment("web", 4)], [], podsOf(web, ["a", "a", "b", "b"]))).toEqual([
      "no-budget Deployment/web",
      "nodes-to-zero Deployment/web a b",
    ]);
  });

  it("count only pods that are healthy and placed", () => {
    const pods = [
      pod("web-0", { owner: web, node: "a" }),
      pod("web-1", { owner: web, node: "b", ready: false }),
      pod("web-2", { owner: web, node: "c", deleted: true }),
      pod("web-3", { owner: web, phase: "Pending", ready: false }),
    ];
    const { findings } = auditBudgets(
      [deployment("web", 3)],
      [budget("web", { maxUnavailable: "90%" })],
      pods,
    );
    expect(findings.at(-1)).toMatchObject({ code: "nodes-to-zero", nodes: ["a"] });
  });

  it("are named with the replica that they alone carry", () => {
    const { findings } = auditBudgets(
      [deployment("web", 1)],
      [budget("web", one)],
      podsOf(web, ["a"]),
    );
    expect(findings).toEqual([
      {
        code: "single-replica",
        severity: "warning",
        workload: { kind: "Deployment", namespace: "shop", name: "web" },
        message: "has one replica: every disruption of it is an outage",
        nodes: ["a"],
      },
    ]);
  });
});

it("leaves what it was given as it was", () => {
  const given = [
    [deployment("web", 3), replicaSet("web-1", 3, web)],
    [budget("web", one)],
    [...podsOf(web, ["a", "b"]), { metadata: { name: "loose", ...ownedBy(web) } }],
  ] as const;
  const before = JSON.stringify(given);
  auditBudgets([...given[0]], [...given[1]], [...given[2]]);
  expect(JSON.stringify(given)).toBe(before);
});

it("survives objects that lack everything", () => {
  expect(auditBudgets([{}], [{}], [{}]).checked.budgets).toBe(1);
});
