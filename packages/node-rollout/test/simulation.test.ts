import { expect, test } from "vitest";
import type { Defect } from "./simulation/replica.ts";
import { simulate } from "./simulation/world.ts";

/** More by hand: `SIMULATIONS=100000 SIMULATION_SEED=7 npx vitest run --project unit …/simulation.test.ts`. */
const { SIMULATIONS = "2000", SIMULATION_SEED = "1" } = process.env;

test(`${SIMULATIONS} random clusters with random faults, from seed ${SIMULATION_SEED}`, () => {
  const first = Number(SIMULATION_SEED);
  for (let seed = first; seed < first + Number(SIMULATIONS); seed += 1) {
    expect(simulate(seed), `SIMULATION_SEED=${seed} SIMULATIONS=1`).toEqual([]);
  }
}, 600_000);

const defects: [Defect, RegExp][] = [
  ["completes before the node is empty", /still on the node/],
  ["deletes the message first", /message deleted before/],
  ["evicts by name alone", /evicted twice|evicted from a node that stays/],
  ["takes every node for its own", /evicted twice/],
  ["evicts again after a lost answer", /evicted twice/],
  ["takes other groups for its own", /foreign action completed/],
  ["sends heartbeats too late", /expired/],
  ["deletes by an old receipt", /not done/],
  ["never takes over", /waiting|not done/],
  ["ends when a request fails", /waiting|not done|expired/],
  ["never looks for lost messages", /waiting|not done|expired/],
  ["takes an action for as young as its news", /expired/],
  ["forces although it should wait", /forced, against the policy/],
  ["forces too early", /forced too early/],
  ["forces without grace", /forced without grace/],
  ["forces with less grace than there is time", /forced with too little grace/],
  ["forces twice", /forced twice/],
  ["never forces", /long after its deadline|still on the node/],
  ["takes what it forced for gone", /still on the node/],
];

test.each(defects)(
  "a daemon that %s is found out",
  (defect, finding) => {
    const found = () => {
      for (let seed = 1; seed <= 2000; seed += 1) {
        const violations = simulate(seed, defect).join("\n");
        if (finding.test(violations)) return violations;
      }
      return "nothing was found";
    };
    expect(found()).toMatch(finding);
  },
  120_000,
);
