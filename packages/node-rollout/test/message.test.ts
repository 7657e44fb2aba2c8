import { expect, test } from "vitest";
import { MessageError, parseMessage } from "../src/index.ts";

const direct = {
  LifecycleHookName: "drain",
  AccountId: "123456789012",
  RequestId: "a0f2f1a4-0000-4000-8000-000000000000",
  LifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING",
  AutoScalingGroupName: "workers",
  Service: "AWS Auto Scaling",
  Time: "2026-07-01T12:00:00.000Z",
  EC2InstanceId: "i-0123456789abcdef0",
  LifecycleActionToken: "b1f2f1a4-0000-4000-8000-000000000000",
};
const parsed = {
  kind: "lifecycle",
  transition: "terminating",
  asg: "workers",
  hook: "drain",
  instanceId: "i-0123456789abcdef0",
  token: "b1f2f1a4-0000-4000-8000-000000000000",
};
const event = (source: string, type: string, detail: unknown) => ({
  version: "0",
  source,
  "detail-type": type,
  detail,
});
const health = (detail: object) =>
  event("aws.health", "AWS Health Event", {
    service: "EC2",
    eventTypeCategory: "scheduledChange",
    affectedEntities: [{ entityValue: "i-1" }, { entityValue: "vol-1" }, { entityValue: "i-1" }],
    ...detail,
  });

test.each([
  ["an old direct body", direct, parsed],
  [
    "a new direct body",
    { ...direct, Origin: "AutoScalingGroup", Destination: "WarmPool" },
    { ...parsed, origin: "AutoScalingGroup", destination: "WarmPool" },
  ],
  ["SNS around it", { Type: "Notification", Message: JSON.stringify(direct) }, parsed],
  [
    "EventBridge",
    event("aws.autoscaling", "EC2 Instance-terminate Lifecycle Action", direct),
    parsed,
  ],
  [
    "a launch",
    { ...direct, LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING" },
    { ...parsed, transition: "launching" },
  ],
  [
    "a spot notice",
    event("aws.ec2", "EC2 Spot Instance Interruption Warning", { "instance-id": "i-1" }),
    { kind: "interruption", reason: "spot", instanceIds: ["i-1"] },
  ],
  [
    "a rebalance recommendation",
    event("aws.ec2", "EC2 Instance Rebalance Recommendation", { "instance-id": "i-1" }),
    { kind: "interruption", reason: "rebalance", instanceIds: ["i-1"] },
  ],
  [
    "a state change",
    event("aws.ec2", "EC2 Instance State-change Notification", {
      "instance-id": "i-1",
      state: "shutting-down",
    }),
    { kind: "interruption", reason: "state-change", instanceIds: ["i-1"] },
  ],
  [
    "a scheduled change",
    health({}),
    { kind: "interruption", reason: "scheduled-change", instanceIds: ["i-1"] },
  ],
])("%s is understood", (_name, body, expected) => {
  expect(parseMessage(JSON.stringify(body))).toEqual(expected);
});

test.each([
  ["a test notification", { Event: "autoscaling:TEST_NOTIFICATION" }],
  ["its SNS form", { Type: "Notification", Message: '{"Event":"autoscaling:TEST_NOTIFICATION"}' }],
  ["a subscription's confirmation", { Type: "SubscriptionConfirmation", Message: "text" }],
  [
    "a running instance",
    event("aws.ec2", "EC2 Instance State-change Notification", {
      "instance-id": "i-1",
      state: "running",
    }),
  ],
  ["another service's health", health({ service: "RDS" })],
  ["a closed health event", health({ statusCode: "closed" })],
  [
    "an event that only looks like AWS's",
    event("my.app", "EC2 Instance-terminate Lifecycle Action", direct),
  ],
  ["something else", { hello: "world" }],
])("%s is ignored with a reason", (_name, body) => {
  expect(parseMessage(JSON.stringify(body))).toEqual({
    kind: "ignored",
    reason: expect.stringMatching(/./),
  });
});

test.each([
  ["no JSON", "hello", "NOT_JSON"],
  ["a list", "[]", "NOT_OBJECT"],
  ["null", "null", "NOT_OBJECT"],
  ...Object.keys(direct)
    .filter((key) => !["AccountId", "RequestId", "Service", "Time"].includes(key))
    .filter((key) => key !== "LifecycleActionToken")
    .map((key) => [`no ${key}`, JSON.stringify({ ...direct, [key]: undefined }), "MISSING_FIELD"]),
  [
    "an event of AWS without its type",
    JSON.stringify({ source: "aws.ec2", detail: { "instance-id": "i-1" } }),
    "MISSING_FIELD",
  ],
  [
    "a path as an instance",
    JSON.stringify({ ...direct, EC2InstanceId: "i-1/../2" }),
    "INVALID_FIELD",
  ],
  [
    "a group that is a number",
    JSON.stringify({ ...direct, AutoScalingGroupName: 7 }),
    "INVALID_FIELD",
  ],
  [
    "a line break in a name",
    JSON.stringify({ ...direct, LifecycleHookName: "a\nb" }),
    "INVALID_FIELD",
  ],
  [
    "an unknown transition",
    JSON.stringify({ ...direct, LifecycleTransition: "x" }),
    "INVALID_FIELD",
  ],
  [
    "fields that are only inherited",
    '{"LifecycleTransition":"autoscaling:EC2_INSTANCE_TERMINATING","__proto__":{"EC2InstanceId":"i-1"}}',
    "MISSING_FIELD",
  ],
  ["an endless nest", "[".repeat(200_000), "NOT_JSON"],
  ["more than SQS carries", `"${"x".repeat(1024 * 1024)}"`, "TOO_LARGE"],
])("%s is malformed", (_name, body, code) => {
  const parse = () => parseMessage(body);
  expect(parse).toThrow(MessageError);
  expect(parse).toThrow(expect.objectContaining({ name: "MessageError", code }));
});
