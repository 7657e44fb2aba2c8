import { expect, test } from "vitest";
import { logEvents } from "../src/daemon/log.ts";

/** A log that keeps its lines, and a clock that is set by hand. */
function setUp() {
  const clock = { now: 0 };
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const event = logEvents(
    { debug: write, info: write, warning: write, error: write },
    () => clock.now,
  );
  const fail = (what: string, message = "away") =>
    event({ type: "failed", what, error: new Error(message) });
  return { clock, lines, event, fail };
}

test("a failure is said once, its end, and the next one again", () => {
  const { lines, event, fail } = setUp();
  fail("follow nodes");
  fail("follow nodes");
  event({ type: "recovered", what: "follow nodes" });
  fail("follow nodes");
  expect(lines).toEqual([
    "follow nodes: away; trying again",
    "follow nodes: works again",
    "follow nodes: away; trying again",
  ]);
});

test("a failure that is met again and again is the same one; after five minutes without it is news", () => {
  const { clock, lines, fail } = setUp();
  for (clock.now = 0; clock.now <= 3_600_000; clock.now += 60_000) fail("describe groups");
  expect(lines).toHaveLength(1);
  clock.now += 300_001;
  fail("describe groups");
  expect(lines).toHaveLength(2);
  fail("describe groups", "throttled");
  expect(lines.at(-1)).toBe("describe groups: throttled; trying again");
});
