import { describe, expect, it } from "vitest";
import { evaluateReadiness, type ReadinessRule } from "../src/gate/readiness.ts";

const now = new Date("2026-07-01T12:00:00Z");
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();

interface Condition {
  type?: string;
  status?: string;
  heartbeat?: string | Date | null;
  changed?: string | Date | null;
  reason?: string;
}

/** A condition that is good by every demand below, but for what the case changes. */
function condition({
  type = "Ready",
  status = "True",
  heartbeat = ago(10),
  changed = ago(300),
  reason = "",
}: Condition = {}) {
  return {
    type,
    status,
    reason,
    ...(heartbeat === null ? {} : { lastHeartbeatTime: heartbeat }),
    ...(changed === null ? {} : { lastTransitionTime: changed }),
  };
}

function node(conditions: object[] | undefined, more: { boot?: string; record?: object } = {}) {
  const { boot = "boot-1", record } = more;
  return {
    metadata: {
      name: "node-a",
      creationTimestamp: ago(3600),
      annotations: record === undefined ? {} : { "node-rollout/gate": JSON.stringify(record) },
    },
    status: { nodeInfo: { bootID: boot }, ...(conditions === undefined ? {} : { conditions }) },
  };
}

const strict: ReadinessRule = {
  conditions: [{ type: "Ready", status: "True" }],
  maxAgeSeconds: 60,
  stableSeconds: 30,
};

describe("a condition", () => {
  const cases: [what: string, condition: Condition, message: string | undefined][] = [
    ["is good", {}, undefined],
    [
      "given with Date objects",
      { heartbeat: new Date(ago(10)), changed: new Date(ago(300)) },
      undefined,
    ],
    [
      "False",
      { status: "False", reason: "KubeletNotReady" },
      "is False (KubeletNotReady), expected True",
    ],
    ["Unknown", { status: "Unknown" }, "is Unknown"],
    ["a status of somebody's own", { status: "true" }, "is true"],
    ["just within the age", { heartbeat: ago(60) }, undefined],
    [
      "too old",
      { heartbeat: ago(61) },
      "is True, but its last heartbeat was 61 s ago (limit 60 s)",
    ],
    ["a clock somewhat ahead", { heartbeat: ago(-20) }, undefined],
    ["a clock far ahead", { heartbeat: ago(-61) }, "is True, with a heartbeat 61 s ahead"],
    ["no heartbeat", { heartbeat: null }, "is True, with no heartbeat"],
    ["an unreadable heartbeat", { heartbeat: "yesterday" }, "is True, with no heartbeat"],
    ["just stable", { changed: ago(30) }, undefined],
    ["not yet stable", { changed: ago(29) }, "is True for 29 s, expected 30 s"],
    ["changed in the future", { changed: ago(-5) }, "is True for 0 s, expected 30 s"],
    ["no transition time", { changed: null }, "is True, with no time since when"],
    [
      "from before the node",
      { heartbeat: ago(3601) },
      "is True, reported before the node was created",
    ],
  ];
  it.each(cases)("%s", (_what, given, message) => {
    const result = evaluateReadiness(node([condition(given)]), strict, now);
    expect(result).toEqual({
      ready: message === undefined,
      reasons: [{ condition: "Ready", ok: message === undefined, message: message ?? "is True" }],
    });
  });

  it("is never good when it is absent", () => {
    for (const status of ["True", "False"] as const) {
      const rule: ReadinessRule = { conditions: [{ type: "KernelDeadlock", status }] };
      for (const given of [node([condition()]), node([]), node(undefined), {}]) {
        expect(evaluateReadiness(given, rule, now)).toEqual({
          ready: false,
          reasons: [
            {
              condition: "KernelDeadlock",
              ok: false,
              message: "is absent: nothing has reported it yet",
            },
          ],
        });
      }
    }
  });

  it("is never good when it is Unknown, even to a rule that asks for it", () => {
    const rule = { conditions: [{ type: "Ready", status: "Unknown" }] } as unknown as ReadinessRule;
    const unknown = node([condition({ status: "Unknown" })]);
    expect(evaluateReadiness(unknown, rule, now).ready).toBe(false);
  });

  it("may be asked to be False, with the same demands", () => {
    const rule: ReadinessRule = {
      ...strict,
      conditions: [{ type: "KernelDeadlock", status: "False" }],
    };
    const verdict = (given: Condition) =>
      evaluateReadiness(node([condition({ type: "KernelDeadlock", ...given })]), rule, now).ready;
    expect(verdict({ status: "False" })).toBe(true);
    expect(verdict({ status: "True" })).toBe(false);
    expect(verdict({ status: "Unknown" })).toBe(false);
    expect(verdict({ status: "False", heartbeat: ago(61) })).toBe(false);
    // node-problem-detector has just started and published False for everything.
    expect(verdict({ status: "False", changed: ago(1) })).toBe(false);
  });

  it("without limits on age and stability only has to be newer than the node", () => {
    const rule: ReadinessRule = { conditions: strict.conditions };
    const verdict = (given: Condition) =>
      evaluateReadiness(node([condition(given)]), rule, now).reasons[0]?.message;
    expect(verdict({ heartbeat: ago(3599), changed: ago(0) })).toBe("is True");
    expect(verdict({ heartbeat: null })).toBe("is True");
    expect(verdict({ heartbeat: null, changed: ago(4000) })).toMatch(/before the node was created/);
    expect(verdict({ heartbeat: null, changed: null })).toMatch(/no time at which it was reported/);
  });
});

describe("a reboot", () => {
  const good = condition({ heartbeat: ago(10) });

  it("that nobody has noted makes every condition stale", () => {
    const rebooted = node([good], { boot: "boot-2", record: { bootId: "boot-1" } });
    expect(evaluateReadiness(rebooted, strict, now).reasons[0]?.message).toBe(
      "is True, from before the node's reboot",
    );
  });

  it("leaves only what was reported since it was noted", () => {
    const noted = (at: string) =>
      node([good], { boot: "boot-2", record: { bootId: "boot-2", bootedAt: at } });
    expect(evaluateReadiness(noted(ago(5)), strict, now).reasons[0]?.message).toBe(
      "is True, reported before the node rebooted",
    );
    expect(evaluateReadiness(noted(ago(10)), strict, now).ready).toBe(true);
  });

  it("is not made up from a record that somebody mangled", () => {
    for (const text of ["", "{", "null", "[]", '"x"', '{"bootId":1}']) {
      const mangled = node([good]);
      mangled.metadata.annotations = { "node-rollout/gate": text };
      expect(evaluateReadiness(mangled, strict, now).ready).toBe(true);
    }
  });
});

describe("the node's age", () => {
  it.each([
    [3600, true, "is at least 60 min"],
    [3601, true, "is at least 60 min"],
    [3700, false, "is 60 min, expected 61 min"],
  ])("against a minimum of %d seconds", (minNodeAgeSeconds, ok, message) => {
    const given = {
      ...node([]),
      metadata: { creationTimestamp: ago(minNodeAgeSeconds === 3601 ? 3601 : 3600) },
    };
    const result = evaluateReadiness(given, { conditions: [], minNodeAgeSeconds }, now);
    expect(result).toEqual({ ready: ok, reasons: [{ condition: "NodeAge", ok, message }] });
  });

  it("that is unknown is not enough", () => {
    const result = evaluateReadiness({}, { conditions: [], minNodeAgeSeconds: 1 }, now);
    expect(result.reasons[0]?.message).toBe("is unknown: the node has no creation time");
  });
});

describe("a DaemonSet's pod", () => {
  const rule: ReadinessRule = {
    conditions: [],
    daemonSets: [{ namespace: "kube-system", name: "aws-node" }],
  };
  const pod = (
    more: { owner?: object; ready?: string; nodeName?: string; deleted?: string } = {},
  ) => ({
    metadata: {
      name: "aws-node-x1",
      namespace: "kube-system",
      ownerReferences: [more.owner ?? { kind: "DaemonSet", name: "aws-node", controller: true }],
      ...(more.deleted === undefined ? {} : { deletionTimestamp: more.deleted }),
    },
    spec: { nodeName: more.nodeName ?? "node-a" },
    status: { conditions: [{ type: "Ready", status: more.ready ?? "True" }] },
  });
  const cases: [what: string, pods: object[] | undefined, message: string | undefined][] = [
    ["is Ready", [pod()], undefined],
    ["is not Ready", [pod({ ready: "False" })], "its pod aws-node-x1 is not Ready"],
    ["is terminating", [pod({ deleted: ago(1) })], "its pod aws-node-x1 is terminating"],
    ["has a Ready successor", [pod({ deleted: ago(1) }), pod()], undefined],
    ["is on another node", [pod({ nodeName: "node-b" })], "has no pod on this node"],
    [
      "is another's",
      [pod({ owner: { kind: "DaemonSet", name: "other" } })],
      "has no pod on this node",
    ],
    [
      "is no DaemonSet's",
      [pod({ owner: { kind: "ReplicaSet", name: "aws-node" } })],
      "has no pod on this node",
    ],
    ["is absent", [], "has no pod on this node"],
    ["was not looked for", undefined, "is unknown: the node's pods were not given"],
  ];
  it.each(cases)("%s", (_what, pods, message) => {
    expect(evaluateReadiness(node([]), rule, now, pods)).toEqual({
      ready: message === undefined,
      reasons: [
        {
          condition: "DaemonSet kube-system/aws-node",
          ok: message === undefined,
          message: message ?? "its pod is Ready",
        },
      ],
    });
  });
});

it("gives one reason a demand, in the rule's order, and changes nothing it was given", () => {
  const given = node([
    condition(),
    condition({ type: "ContainerRuntimeUnhealthy", status: "True" }),
  ]);
  const rule: ReadinessRule = {
    conditions: [
      { type: "ContainerRuntimeUnhealthy", status: "False" },
      { type: "Ready", status: "True" },
      { type: "KernelDeadlock", status: "False" },
    ],
    minNodeAgeSeconds: 60,
    daemonSets: [{ namespace: "kube-system", name: "kube-proxy" }],
  };
  const before = JSON.stringify([given, rule]);
  const { ready, reasons } = evaluateReadiness(given, rule, now, []);
  expect(ready).toBe(false);
  expect(reasons.map(({ condition: name, ok }) => [name, ok])).toEqual([
    ["ContainerRuntimeUnhealthy", false],
    ["Ready", true],
    ["KernelDeadlock", false],
    ["NodeAge", true],
    ["DaemonSet kube-system/kube-proxy", false],
  ]);
  expect(JSON.stringify([given, rule])).toBe(before);
});
