import { between, pick as pickFrom, randomOf } from "@internal/test/random";
import { expect, test } from "vitest";
import { formatMissing, missingCoverage } from "../src/missing.ts";
import { ReportError } from "../src/report.ts";

// FUZZ_RUNS=1000000 FUZZ_SEED=7 for a long run, or to have a failure again.
const runs = Number(process.env["FUZZ_RUNS"] ?? 20_000);
const seed = Number(process.env["FUZZ_SEED"] ?? 1);

const random = randomOf(seed);
const below = (n: number) => between(random, 0, n - 1);
const pick = <T>(list: T[]): T => pickFrom(random, list);

const hostile: unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e300,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  "",
  "row",
  [],
  {},
  [[]],
  { row: -3 },
  { row: "1" },
  { row: 1e15 },
  { row: null, col: {} },
  { __proto__: { row: 1 } },
];

/** A part of a report, mostly sound, at times anything. */
const maybe = (sound: () => unknown) => (below(40) === 0 ? pick(hostile) : sound());
const position = () => ({ row: below(12) + 1, ...(below(2) ? { col: below(9) + 1 } : {}) });
const range = () => ({
  start: maybe(position),
  end: maybe(position),
  ...(below(4)
    ? {}
    : pick([{ kinds: ["index_excluded"] }, { kind: "early_exit" }, { kinds: [3] }])),
});
const ranges = () => Array.from({ length: below(6) }, () => maybe(range));
const file = () => ({
  ...(below(4) ? { covered: maybe(ranges) } : {}),
  ...(below(4) ? { not_covered: maybe(ranges) } : {}),
});
const report = () => ({
  files: maybe(() =>
    Object.fromEntries(["a.rego", "./b.rego", "/c.rego"].map((n) => [n, maybe(file)])),
  ),
});

test(`whatever a report is, there are gaps or a ReportError (FUZZ_SEED=${seed})`, () => {
  let sound = 0;
  for (let run = 0; run < runs; run++) {
    const given = maybe(report);
    const shown = () => `run ${run}: ${JSON.stringify(given)}`;
    try {
      const missing = missingCoverage(given, ["a.rego", "b.rego", "c.rego"], { cwd: "/" });
      sound++;
      for (const line of formatMissing(missing)) {
        expect(line, shown()).toMatch(/^[abc]\.rego(:[1-9]\d*(-[1-9]\d*)?)?$/);
      }
      for (const { start, end } of missing) {
        expect((end?.row ?? 0) >= (start?.row ?? 0), shown()).toBe(true);
      }
    } catch (error) {
      if (!(error instanceof ReportError)) throw new Error(shown(), { cause: error });
    }
  }
  expect(sound).toBeGreaterThan(runs / 10);
});
