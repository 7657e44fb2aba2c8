import { expect, test } from "vitest";
import { createRolloutMachine } from "../src/rollout/machine.ts";

test("an instance is no node only where the nodes are followed: an old list does not complete its hook", () => {
  let isFollowed = false;
  const machine = createRolloutMachine({
    ...{ instanceId: "i-1", replica: "one", takeOverMs: 60_000, unknownMs: 300_000, now: 0 },
    isFollowed: () => isFollowed,
    drain: { timeoutMs: 600_000, onTimeout: "wait" },
  });
  const key = machine.joined({ asg: "workers", hook: "drain", instanceId: "i-1", since: 0 })!;
  machine.heard(key, "held", 3_600_000);
  machine.seen(undefined);
  const late = machine.decide(600_000);
  expect(late.complete).toEqual([]);
  expect(late.waits).toMatchObject([
    { code: "unknown-node", message: "the nodes are not known now" },
  ]);
  isFollowed = true;
  expect(machine.decide(601_000).complete).toMatchObject([{ key }]);
});
