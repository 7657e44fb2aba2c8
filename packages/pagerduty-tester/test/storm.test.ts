import { between, pick, type Random, randomOf } from "@internal/test/random";
import { expect, test } from "vitest";
import type { FakeFault } from "../src/fake.ts";
import { simulate } from "./simulation.ts";

/** More by hand: `FUZZ_ROUNDS=1000 FUZZ_SEED=7 npx vitest run …`. */
const rounds = Number(process.env["FUZZ_ROUNDS"] ?? 25);
const seed = Number(process.env["FUZZ_SEED"] ?? 1);

const trouble: Partial<FakeFault>[] = [
  ...[429, 408, 500, 502, 503].map((status) => ({ status })),
  { cut: "before" },
  { cut: "after" },
  { answer: "half" },
];

/** A fault that leaves it open what became of the request, or says to come again. */
function fault(random: Random): FakeFault {
  const where = pick<Partial<FakeFault>>(random, [
    { method: "POST" },
    { method: "POST" },
    { method: "PUT" },
    { method: "GET", path: "/incidents" },
    { method: "GET", path: "/incidents/Q" },
    { method: "GET", path: "/users" },
  ]);
  const when = { skip: between(random, 0, 5), times: between(random, 1, 3) };
  return { ...where, ...when, ...pick(random, trouble) };
}

const people = ["PA", "PB", "PC", "PD"];
const end = "2026-12-01T11:00:00Z";

test.for(Array.from({ length: rounds }, (_, index) => seed * 10_000 + index))(
  "random faults, restarts and clocks: never two pages, always one verdict (seed %d)",
  async (start) => {
    const random = randomOf(start);
    const world = await simulate(
      "2026-12-01T08:59:00Z",
      people.map((id) => `  - { name: ${id}, id: ${id}, cron: "0 9 * * * UTC" }`).join("\n"),
      {
        users: people.map((id) => ({
          id,
          // Who answers before the lists show the page leaves nothing open that a second request would meet.
          answer: {
            after: pick(random, ["never", 0, between(random, 0, 5), between(random, 0, 300)]),
          },
        })),
        // Within what is configured; beyond it the guarantee ends.
        switches: {
          listLagSeconds: between(random, 0, 25),
          clockSkewSeconds: between(random, -90, 90),
        },
        faults: Array.from({ length: between(random, 1, 8) }, () => fault(random)),
      },
    );
    let tester = await world.start();
    for (let restarts = between(random, 0, 4); restarts > 0; restarts -= 1) {
      const now = world.clock.now();
      await world.until(new Date(now + between(random, 1, 300) * 1000));
      await tester.stop();
      if (random() < 0.2) world.set(between(random, -600, 600) * 1000);
      await world.until(new Date(world.clock.now() + between(random, 0, 120) * 1000));
      tester = await world.start();
    }
    await world.until(end);
    await tester.stop();
    const keys = world.fake.pages.map(({ key }) => key);
    expect(new Set(keys).size, keys.join("\n")).toBe(keys.length);
    for (const [id, verdicts] of Object.entries(world.verdicts())) {
      expect(verdicts, id).toHaveLength(1);
    }
    expect(Object.keys(world.verdicts()).toSorted()).toEqual(people);
  },
);
