import { describe, expect, it } from "vitest";
import { type BrakeState, brakeOf } from "../src/gate/brake.ts";
import type { UnplaceablePod } from "../src/gate/pods.ts";
import { type Taint, toNode } from "../src/kubernetes/objects.ts";

const startupTaint = "example.org/starting";
const starting: Taint = { key: startupTaint, effect: "NoSchedule" };
const gpu: Taint = { key: "gpu", value: "yes", effect: "NoSchedule" };

/** A ready node behind the startup taint. */
function gated(
  more: { taints?: Taint[]; labels?: Record<string, string>; cordoned?: boolean } = {},
) {
  const { taints = [], labels = {}, cordoned = false } = more;
  return toNode({
    metadata: { name: "fresh", labels },
    spec: { taints: [starting, ...taints], unschedulable: cordoned },
  });
}

function pod(more: Partial<UnplaceablePod> = {}): UnplaceablePod {
  return {
    ...{ namespace: "shop", name: "web-1", createdAt: 2000, nodeSelector: {}, tolerations: [] },
    ...more,
  };
}

function brake(given: Partial<BrakeState>): string | undefined {
  return brakeOf({
    ...{ group: "workers", draining: [], maxDraining: 1, unplaceable: [] },
    ...{ rollingSince: 1500, gated: [], startupTaint, ...given },
  });
}

describe("nodes that drain", () => {
  it.each([
    [0, 0, undefined],
    [1, 1, undefined],
    [1, 0, "1 nodes of workers still drain, at most 0 may"],
    [2, 1, "2 nodes of workers still drain, at most 1 may"],
  ])("%d of at most %d", (count, maxDraining, why) => {
    const draining = Array.from({ length: count }, (_, index) => `i-${index}`);
    expect(brake({ draining, maxDraining })).toBe(why);
  });
});

describe("a pod without a place", () => {
  const held = "no node has room for pod shop/web-1";
  const tolerates = [{ key: startupTaint, operator: "Exists" }];
  const anything = [{ operator: "Exists" }];
  const forGpu = [{ key: "gpu", value: "yes", effect: "NoSchedule" }];
  const cases: [what: string, given: Partial<BrakeState>, why: string | undefined][] = [
    ["holds where nothing is behind the taint", { unplaceable: [pod()] }, held],
    ["counts its fellows", { unplaceable: [pod(), pod(), pod()] }, `${held} and 2 more`],
    [
      "does not hold when a tainted ready node may be the cause",
      { unplaceable: [pod()], gated: [gated()] },
      undefined,
    ],
    [
      "holds when it tolerates our taint: that is not the cause",
      { unplaceable: [pod({ tolerations: tolerates })], gated: [gated()] },
      held,
    ],
    [
      "holds when it tolerates everything",
      { unplaceable: [pod({ tolerations: anything })], gated: [gated()] },
      held,
    ],
    [
      "holds when the node is not of its choice",
      {
        unplaceable: [pod({ nodeSelector: { zone: "b" } })],
        gated: [gated({ labels: { zone: "a" } })],
      },
      held,
    ],
    [
      "does not hold when the node is of its choice",
      {
        unplaceable: [pod({ nodeSelector: { zone: "a" } })],
        gated: [gated({ labels: { zone: "a" } })],
      },
      undefined,
    ],
    [
      "holds when another taint keeps it off",
      { unplaceable: [pod()], gated: [gated({ taints: [gpu] })] },
      held,
    ],
    [
      "does not hold when it tolerates that one",
      { unplaceable: [pod({ tolerations: forGpu })], gated: [gated({ taints: [gpu] })] },
      undefined,
    ],
    [
      "is not kept off by what is only preferred",
      {
        unplaceable: [pod()],
        gated: [gated({ taints: [{ ...gpu, effect: "PreferNoSchedule" }] })],
      },
      undefined,
    ],
    [
      "holds when the node is cordoned",
      { unplaceable: [pod()], gated: [gated({ cordoned: true })] },
      held,
    ],
    [
      "is excused by any one node",
      { unplaceable: [pod()], gated: [gated({ cordoned: true }), gated()] },
      undefined,
    ],
    [
      "from before the rollout is not of its making",
      { unplaceable: [pod({ createdAt: 999 })] },
      undefined,
    ],
    ["of the second in which it began is", { unplaceable: [pod({ createdAt: 1000 })] }, held],
    [
      "is nobody's where nothing rolls",
      { unplaceable: [pod()], rollingSince: undefined },
      undefined,
    ],
  ];
  it.each(cases)("%s", (_what, given, why) => {
    expect(brake(given)).toBe(why);
  });
});
