import fc from "fast-check";
import { expect, it } from "vitest";
import { decideGate, type GateAction, type GateLimits, type GateState } from "../src/gate/gate.ts";
import type { GateRecord } from "../src/gate/readiness-record.ts";

type Decide = typeof decideGate;

/** What happens around the gate, in any order. */
const events = [
  "ready",
  "not-ready",
  "reboot",
  "crash",
  "drain",
  "drained",
  "rollback",
  "stack-silent",
  "stack-answers",
  "aws-fails",
  "aws-works",
  "minutes",
  "step",
] as const;
type Event = (typeof events)[number];

const limits: GateLimits = { deadlineMs: 5 * 60_000, pauseMs: 8 * 60_000 };

/** A node, its stack and the clock, as small as a promise of the gate can be broken in. */
class World {
  now = 0;
  bootedAt = 0;
  boot = 1;
  tainted = true;
  ready = false;
  record: GateRecord | undefined;
  failing = false;
  draining = false;
  aws = true;
  answers = true;
  stack: "waiting" | "rolling-back" | "none" = "waiting";
  signals: string[] = [];
  broken: string[] = [];
  readonly decide: Decide;

  constructor(decide: Decide) {
    this.decide = decide;
  }

  happen(event: Event, crashAfter?: number): void {
    switch (event) {
      case "ready":
      case "not-ready":
        this.ready = event === "ready";
        break;
      case "reboot":
        this.boot++;
        this.ready = false;
        break;
      case "crash":
        this.failing = false; // what only the process knew
        break;
      case "drain":
      case "drained":
        this.draining = event === "drain";
        break;
      case "rollback":
        this.stack = "rolling-back";
        break;
      case "stack-silent":
      case "stack-answers":
        this.answers = event === "stack-answers";
        break;
      case "aws-fails":
      case "aws-works":
        this.aws = event === "aws-works";
        break;
      case "minutes":
        this.now += 3 * 60_000;
        break;
      case "step":
        this.step(crashAfter);
        break;
    }
  }

  /** One look, decision and its actions; a process that dies does the first few writes only. */
  step(crashAfter = Number.POSITIVE_INFINITY): boolean {
    const state = this.look();
    const { actions } = this.decide(state, limits, this.now);
    let writes = 0;
    this.failing = false;
    for (const action of actions) {
      for (const write of this.writesOf(action, state)) {
        if (writes++ >= crashAfter) return true;
        if (!write()) {
          this.failing = true;
          return true;
        }
      }
    }
    return actions.length > 0;
  }

  look(): GateState {
    const bootId = `boot-${this.boot}`;
    const told = this.record?.told;
    return {
      since: this.bootedAt,
      hooks: 0,
      hookLimitAt: Number.POSITIVE_INFINITY,
      stack: told !== undefined ? "none" : this.answers ? this.stack : "unknown",
      ...(this.draining ? { brake: "draining" } : {}),
      failing: this.failing,
      node: {
        ...{ tainted: this.tainted, bootId, ready: this.ready },
        ...(this.record && { record: this.record }),
      },
    };
  }

  writesOf(action: GateAction, state: GateState): (() => boolean)[] {
    const write = (change: () => void) => () => {
      change();
      return true;
    };
    const at = "";
    switch (action.type) {
      case "note":
        return [write(() => (this.record = { ...this.record, bootId: `boot-${this.boot}` }))];
      case "taint":
        return [
          write(() => {
            const { told, verdict } = this.record ?? {};
            this.tainted = true;
            this.bootedAt = this.now;
            this.record = {
              bootId: `boot-${this.boot}`,
              bootedAt: at,
              ...(verdict && { verdict }),
              ...(told && { told }),
            };
          }),
        ];
      case "untaint":
        return [
          write(() => {
            this.check("untaints a node that is not ready", this.ready);
            this.check(
              "untaints a node of an unseen boot",
              this.record?.bootId === `boot-${this.boot}`,
            );
            const isHeld = this.draining || state.failing || state.stack !== "waiting";
            this.check(
              "untaints before the signal though nothing holds it",
              this.record?.told !== undefined || isHeld,
            );
            this.tainted = false;
            if (this.record && this.record.told === undefined && state.stack === "none") {
              this.record = { ...this.record, told: { result: "nobody", at } };
            }
          }),
        ];
      case "tell": {
        const { result } = action;
        const verdict = { result, at };
        return [
          write(() => {
            const isNew = result === "bad" && this.record?.verdict?.result !== "bad";
            const passed = !this.tainted && this.record?.told === undefined;
            const patience = passed ? limits.pauseMs * 0.9 : limits.deadlineMs;
            const isLate = this.now >= this.bootedAt + patience;
            this.check("gives up before the deadline", !isNew || isLate);
            if (this.record) this.record = { ...this.record, verdict };
          }),
          () => this.signal(result),
          write(() => {
            if (this.record) this.record = { ...this.record, told: verdict };
          }),
        ];
      }
    }
  }

  signal(result: "good" | "bad"): boolean {
    if (!this.aws) return false;
    const isLate = this.now >= this.bootedAt + limits.pauseMs * 0.9;
    if (result === "bad") {
      this.check("signals a failure into a rollback", this.stack !== "rolling-back");
    } else {
      this.check("signals success while the brake holds", !this.draining || isLate);
    }
    if (!this.signals.includes(result)) this.signals.push(result);
    this.check("signals both ways", this.signals.length < 2);
    return true;
  }

  check(what: string, holds: boolean): void {
    if (!holds) this.broken.push(what);
  }

  /** Everything comes right in the end, and the gate has nothing left to do. */
  settle(): void {
    Object.assign(this, { aws: true, answers: true, draining: false, ready: true });
    for (let step = 0; step < 10 && this.step(); step++);
    this.check("leaves a ready node behind the taint", !this.tainted);
    this.stack = "none";
    for (let step = 0; step < 10 && this.step(); step++);
    this.check("ends without having told", this.record?.told !== undefined);
  }
}

const script = fc.array(
  fc.tuple(
    fc.constantFrom(...events, "step", "step", "step"),
    fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined, freq: 3 }),
  ),
  { minLength: 5, maxLength: 40 },
);

/** The promises that a decision breaks, by its first counterexample. */
function brokenBy(decide: Decide, numRuns: number): string[] {
  const broken = new Set<string>();
  for (const steps of fc.sample(script, { numRuns, seed: 20_260_701 })) {
    const world = new World(decide);
    for (const [event, crashAfter] of steps) world.happen(event as Event, crashAfter);
    world.settle();
    for (const what of world.broken) broken.add(what);
  }
  return [...broken];
}

it("keeps every promise, whatever happens in whatever order", () => {
  expect(brokenBy(decideGate, 20_000)).toEqual([]);
});

/** The same decision with a mistake in it. */
const defects: [what: string, decide: Decide, breaks: string][] = [
  [
    "untaints first",
    (...given) => ({ ...decideGate(...given), actions: decideGate(...given).actions.toReversed() }),
    "untaints before the signal though nothing holds it",
  ],
  [
    "forgets the brake",
    ({ brake: _, ...state }, ...rest) => decideGate(state, ...rest),
    "signals success while the brake holds",
  ],
  [
    "takes a rollback for an update",
    (state, ...rest) =>
      decideGate(
        { ...state, stack: state.stack === "rolling-back" ? "waiting" : state.stack },
        ...rest,
      ),
    "signals a failure into a rollback",
  ],
  [
    "does not look at the boot",
    (state, ...rest) =>
      decideGate(
        {
          ...state,
          ...(state.node && { node: { ...state.node, bootId: state.node.record?.bootId ?? "" } }),
        },
        ...rest,
      ),
    "untaints a node of an unseen boot",
  ],
  [
    "forgets the verdict",
    (state, ...rest) => {
      const { verdict: _, ...record } = state.node?.record ?? { bootId: "" };
      const known = state.node?.record === undefined ? {} : { record };
      return decideGate(
        { ...state, ...(state.node && { node: { ...state.node, ...known } }) },
        ...rest,
      );
    },
    "signals both ways",
  ],
  [
    "is impatient",
    (state, given, now) => decideGate(state, { ...given, deadlineMs: given.deadlineMs / 2 }, now),
    "gives up before the deadline",
  ],
  [
    "forgets that a node was ready",
    (state, ...rest) =>
      decideGate(
        { ...state, ...(state.node && { node: { ...state.node, tainted: true } }) },
        ...rest,
      ),
    "gives up before the deadline",
  ],
  [
    "never untaints what was given up",
    (state, ...rest) => {
      const decision = decideGate(state, ...rest);
      return state.node?.record?.told?.result === "bad" ? { actions: [] } : decision;
    },
    "leaves a ready node behind the taint",
  ],
  [
    "is content with the taint",
    (state, ...rest) =>
      state.node?.ready
        ? { actions: [{ type: "untaint" as const }].slice(state.node.tainted ? 0 : 1) }
        : decideGate(state, ...rest),
    "ends without having told",
  ],
];
it.each(defects)("finds a decision that %s", (_what, decide, breaks) => {
  expect(brokenBy(decide, 20_000)).toContain(breaks);
});
