import { describe, expect, it } from "vitest";
import { decideGate, type GatedNode, type GateLimits, type GateState } from "../src/gate/gate.ts";

const limits: GateLimits = { deadlineMs: 600_000, pauseMs: 900_000 };
const record = { bootId: "boot-1" };
const told = { ...record, told: { result: "good" as const, at: "" } };

type Case = Partial<Omit<GateState, "node">> & { node?: SomeNode | null };
type SomeNode = { [K in keyof GatedNode]?: GatedNode[K] | undefined };

/** A node behind the taint, noted, in an update that waits for its signal, but for what the case changes. */
function state({ node, ...more }: Case = {}): GateState {
  const whole = { tainted: true, bootId: "boot-1", ready: false, record, ...node };
  return {
    ...{ since: 0, hooks: 0, hookLimitAt: Number.POSITIVE_INFINITY, stack: "waiting" },
    ...{ failing: false, ...more },
    ...(node === null ? {} : { node: whole as GateState["node"] & object }),
  } as GateState;
}

/** The actions in words, and what is waited for. */
function decide(given: Case, at = 1000): string {
  const { actions, wait } = decideGate(state(given), limits, at);
  const words = actions.map((action) =>
    action.type === "tell" ? `tell ${action.result}` : action.type,
  );
  return [...words, ...(wait === undefined ? [] : [`(${wait.code})`])].join(", ");
}

const late = 600_000;
const ready = { ready: true };

describe("a new node", () => {
  const cases: [what: string, given: Case, at: number, does: string][] = [
    ["is noted first", { node: { record: undefined, ...ready } }, 0, "note"],
    ["is noted again when it tells its boot", { node: { record: { bootId: "" } } }, 0, "note"],
    ["is waited for", {}, late - 1, "(not-ready)"],
    ["is told of, and takes pods, when it is ready", { node: ready }, 0, "tell good, untaint"],
    ["is told of although it is late", { node: ready }, late, "tell good, untaint"],
    ["only takes pods when nobody waits", { node: ready, stack: "none" }, 0, "untaint"],
    ["only takes pods when they have been told", { node: { ...ready, record: told } }, 0, "untaint"],
    ["is done with", { node: { ...ready, record: told, tainted: false } }, 0, ""],
    ["is closed when its taint is gone already", { node: { ...ready, tainted: false }, stack: "none" }, 0, "untaint"],
    ["is given up at the deadline", {}, late, "tell bad"],
    ["is given up once", { node: { record: { ...record, told: { result: "bad", at: "" } } } }, late, "(overdue)"],
    ["takes pods after all when it was given up", { node: { ...ready, record: { ...record, told: { result: "bad", at: "" } } } }, late, "untaint"],
    ["that nobody waits for stays behind the taint", { stack: "none" }, late, "(overdue)"],
    ["is not given up into a rollback", { stack: "rolling-back" }, late, "(rolling-back)"],
    ["is not abandoned into a rollback", { stack: "rolling-back", hooks: 1 }, late, "(rolling-back)"],
    ["is told of in a rollback when it is ready", { node: ready, stack: "rolling-back" }, 0, "tell good, untaint"],
    ["is not given up while its stack is unknown", { stack: "unknown" }, late, "(unknown)"],
    ["takes pods while its stack is unknown", { node: ready, stack: "unknown" }, 0, "untaint, (held)"],
    ["takes pods first when nobody could be told", { node: ready, failing: true }, 0, "untaint, tell good"],
  ]; // biome-ignore format: a table
  it.each(cases)("%s", (_what, given, at, does) => {
    expect(decide(given, at)).toBe(does);
  });
});

describe("an instance without a node", () => {
  it.each([
    ["is waited for", {}, late - 1, "(not-ready)"],
    ["is given up at the deadline", {}, late, "tell bad"],
    ["is given up by its hook", { stack: "none", hooks: 1 }, late, "tell bad"],
    ["is nobody's business", { stack: "none" }, late, "(overdue)"],
  ] as [string, Case, number, string][])("%s", (_what, given, at, does) => {
    expect(decide({ node: null, ...given }, at)).toBe(does);
  });
});

describe("the brake", () => {
  const brake = "2 nodes still drain";
  it.each([
    ["holds the answer and lets pods in first", { node: ready }, 0, "untaint, (held)"],
    [
      "holds the answer of a node that takes pods",
      { node: { ...ready, tainted: false } },
      0,
      "(held)",
    ],
    ["holds until nine tenths of the pause time", { node: ready }, 809_999, "untaint, (held)"],
    ["and no longer", { node: ready }, 810_000, "tell good, untaint"],
    [
      "counts from when the instance was heard of",
      { node: ready, since: 1000 },
      810_999,
      "untaint, (held)",
    ],
    ["holds a launch hook", { node: ready, stack: "none", hooks: 1 }, 899_999, "untaint, (held)"],
    [
      "until the hook's limit",
      { node: ready, stack: "none", hooks: 1, hookLimitAt: 900_000 },
      900_000,
      "tell good, untaint",
    ],
    [
      "or the pause time's end, which is first",
      { node: ready, hooks: 1, hookLimitAt: 5000 },
      5000,
      "tell good, untaint",
    ],
    ["holds nothing where nobody waits", { node: ready, stack: "none" }, 0, "untaint"],
    ["does not hold a bad answer", {}, late, "tell bad"],
  ] as [string, Case, number, string][])("%s", (_what, given, at, does) => {
    expect(decide({ brake, ...given }, at)).toBe(does);
  });
});

describe("a node that took pods while its answer was held, and is not ready now", () => {
  it.each([
    ["is waited for past the deadline", { node: { tainted: false } }, 809_999, "(not-ready)"],
    ["until the answer is due", { node: { tainted: false } }, 810_000, "tell bad"],
    [
      "until its hook's limit",
      { node: { tainted: false }, stack: "none", hooks: 1, hookLimitAt: 700_000 },
      700_000,
      "tell bad",
    ],
  ] as [string, Case, number, string][])("%s", (_what, given, at, does) => {
    expect(decide(given, at)).toBe(does);
  });
});

describe("a verdict that was written down", () => {
  const good = { ...record, verdict: { result: "good" as const, at: "" } };
  const bad = { ...record, verdict: { result: "bad" as const, at: "" } };
  it.each([
    [
      "good is told although the node is not ready any more",
      { node: { record: good } },
      late,
      "tell good",
    ],
    [
      "bad is told although the node is ready by now",
      { node: { ...ready, record: bad } },
      0,
      "tell bad",
    ],
    [
      "bad is not told into a rollback",
      { node: { record: bad }, stack: "rolling-back" },
      0,
      "(rolling-back)",
    ],
  ] as [string, Case, number, string][])("%s", (_what, given, at, does) => {
    expect(decide(given, at)).toBe(does);
  });
});

describe("a reboot", () => {
  const rebooted = { bootId: "boot-2", record: told };
  it.each([
    [
      "puts the node back behind the taint",
      { node: { ...rebooted, tainted: false, ...ready } },
      0,
      "taint",
    ],
    ["is noted with the taint still there", { node: rebooted }, 0, "taint"],
    [
      "is told to nobody again",
      { node: { ...ready, record: { ...told, bootId: "boot-2" }, bootId: "boot-2" } },
      0,
      "untaint",
    ],
    [
      "answers a hook that fires again",
      { node: { ...ready, record: told }, stack: "none", hooks: 1 },
      0,
      "tell good, untaint",
    ],
    [
      "is not made up from a node that does not tell its boot",
      { node: { bootId: "", record: told, tainted: false } },
      0,
      "(not-ready)",
    ],
  ] as [string, Case, number, string][])("%s", (_what, given, at, does) => {
    expect(decide(given, at)).toBe(does);
  });
});
