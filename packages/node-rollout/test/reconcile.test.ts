import { expect, test } from "vitest";
import type { HookSettings } from "../src/aws/lifecycle-hooks.ts";
import { actionsOf } from "../src/rollout/reconcile.ts";

const queueUrl = "https://sqs.eu-west-1.amazonaws.com/123456789012/lifecycle";
const waiting = { asg: "workers", instanceId: "i-1", transition: "terminating" as const };
const hook = (name: string, more: Partial<HookSettings> = {}): HookSettings => ({
  ...{ name, transition: "terminating", heartbeatMs: 60_000, limitMs: 6_000_000 },
  ...more,
});
const namesOf = (settings: HookSettings[], drain: { hooks?: string[] } = {}) =>
  actionsOf(waiting, settings, { queueUrl, drain }, 1).map((action) => action.hook);

test.each([
  ["one that EventBridge tells of", hook("drain"), true],
  [
    "one that notifies our queue",
    hook("drain", { target: "arn:aws:sqs:eu-west-1:1:lifecycle" }),
    true,
  ],
  ["one that notifies a topic", hook("drain", { target: "arn:aws:sns:eu-west-1:1:topic" }), true],
  [
    "one that notifies another queue",
    hook("drain", { target: "arn:aws:sqs:eu-west-1:1:theirs" }),
    false,
  ],
  ["a launch hook", hook("boot", { transition: "launching" }), false],
])("%s: taken up or not", (_name, settings, expected) => {
  expect(namesOf([settings]).length > 0).toBe(expected);
});

test("with a list of hooks only those are taken up", () => {
  expect(namesOf([hook("drain"), hook("theirs")], { hooks: ["drain"] })).toEqual(["drain"]);
});
