import fc from "fast-check";
import { expect, test } from "vitest";
import { MessageError, parseMessage, type QueueMessage } from "../src/index.ts";

/** More by hand: `FUZZ_RUNS=1000000 FUZZ_SEED=7 npx vitest run --project unit …/message-fuzz.test.ts`. */
const { FUZZ_RUNS = "3000", FUZZ_SEED = "1" } = process.env;
const runs = { numRuns: Number(FUZZ_RUNS), seed: Number(FUZZ_SEED) };

const direct = {
  Origin: "AutoScalingGroup",
  Destination: "EC2",
  LifecycleHookName: "drain",
  AccountId: "123456789012",
  LifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING",
  AutoScalingGroupName: "workers",
  EC2InstanceId: "i-0123456789abcdef0",
  LifecycleActionToken: "b1f2f1a4-0000-4000-8000-000000000000",
};
const event = (source: string, type: string, detail: object) => ({
  version: "0",
  source,
  "detail-type": type,
  detail,
});
const valid: object[] = [
  direct,
  { ...direct, LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING" },
  event("aws.autoscaling", "EC2 Instance-terminate Lifecycle Action", direct),
  event("aws.ec2", "EC2 Spot Instance Interruption Warning", { "instance-id": "i-1" }),
  event("aws.ec2", "EC2 Instance Rebalance Recommendation", { "instance-id": "i-1" }),
  event("aws.ec2", "EC2 Instance State-change Notification", {
    "instance-id": "i-1",
    state: "stopping",
  }),
  event("aws.health", "AWS Health Event", {
    service: "EC2",
    eventTypeCategory: "scheduledChange",
    affectedEntities: [{ entityValue: "i-1" }, { entityValue: "i-2" }],
  }),
  { Event: "autoscaling:TEST_NOTIFICATION" },
  { Type: "Notification", Message: JSON.stringify(direct) },
];

const hostile = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    Number.MAX_VALUE,
    "",
    "i-",
    "i-1/../2",
    "\u0000",
    "a\nb",
    "__proto__",
  ),
  fc.constantFrom<unknown>([], {}, ["i-1"], { length: 1 }, [[[[]]]], "[object Object]", "i-1 "),
  fc.constant("x".repeat(300)),
  fc.constant(JSON.parse('{"__proto__":{"EC2InstanceId":"i-9","polluted":true}}')),
  fc.json(),
  fc.object({ key: fc.constantFrom(...keysOf(valid), "__proto__", "constructor", "prototype") }),
);

/** One valid message with some of its fields, at any depth, taken out or replaced. */
const mutated = fc
  .record({
    body: fc.constantFrom(...valid),
    changes: fc.array(fc.record({ at: fc.nat(), value: hostile, drop: fc.boolean() }), {
      maxLength: 3,
    }),
    wraps: fc.nat(2),
    cut: fc.option(fc.nat(), { freq: 8 }),
  })
  .map(({ body, changes, wraps, cut }) => {
    const copy = structuredClone(body);
    for (const { at, value, drop } of changes) {
      const places = placesIn(copy);
      const place = places[at % places.length];
      if (place === undefined) continue;
      if (drop) delete place.object[place.key];
      // A copy: later changes may go into it.
      else place.object[place.key] = JSON.parse(JSON.stringify(value));
    }
    let text = JSON.stringify(copy);
    for (let wrap = 0; wrap < wraps; wrap += 1) {
      text = JSON.stringify({ Type: "Notification", Message: text });
    }
    return cut === null ? text : text.slice(0, cut % (text.length + 1));
  });

test(`whatever comes is one of the promised values or a MessageError, from seed ${FUZZ_SEED}`, () => {
  fc.assert(
    fc.property(fc.oneof(mutated, fc.string(), fc.json()), (body) =>
      isPromised(body, parseMessage),
    ),
    runs,
  );
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test("fields that nobody asked for change nothing", () => {
  const extra = fc.dictionary(fc.string({ minLength: 1, unit: "grapheme" }), hostile);
  fc.assert(
    fc.property(fc.constantFrom(...valid), extra, (body, more) => {
      const known = new Set(keysOf(valid));
      const others = Object.entries(more).filter(([key]) => !known.has(key));
      const text = JSON.stringify({ ...Object.fromEntries(others), ...body });
      expect(parseMessage(text)).toEqual(parseMessage(JSON.stringify(body)));
    }),
    runs,
  );
});

test("a parser that trusts what it reads is found out", () => {
  const trusting = (body: string): QueueMessage => {
    const {
      AutoScalingGroupName: asg,
      LifecycleHookName: hook,
      EC2InstanceId: instanceId,
    } = JSON.parse(body);
    return { kind: "lifecycle", transition: "terminating", asg, hook, instanceId };
  };
  const found = fc.check(
    fc.property(mutated, (body) => isPromised(body, trusting)),
    runs,
  );
  expect(found.failed).toBe(true);
});

function isPromised(body: string, parse: (body: string) => QueueMessage): boolean {
  try {
    const message = parse(body);
    expect(parse(body)).toEqual(message);
    return isMessage(message);
  } catch (error) {
    return (
      error instanceof MessageError && error.name === "MessageError" && /^[A-Z_]+$/.test(error.code)
    );
  }
}

const isName = (value: unknown) =>
  typeof value === "string" && value.length > 0 && value.length <= 255 && !/\p{Cc}/u.test(value);
const isInstance = (value: unknown) => typeof value === "string" && /^i-[\w-]+$/.test(value);
const reasons = ["spot", "rebalance", "state-change", "scheduled-change"];

function isMessage(message: QueueMessage): boolean {
  switch (message.kind) {
    case "ignored":
      return isName(message.reason) && Object.keys(message).length === 2;
    case "interruption": {
      const { reason, instanceIds } = message;
      return reasons.includes(reason) && instanceIds.length > 0 && instanceIds.every(isInstance);
    }
    case "lifecycle": {
      const { kind, transition, asg, hook, instanceId, ...optional } = message;
      const known = ["token", "origin", "destination"];
      return (
        ["terminating", "launching"].includes(transition) &&
        [asg, hook].every(isName) &&
        isInstance(instanceId) &&
        Object.entries(optional).every(([key, value]) => known.includes(key) && isName(value))
      );
    }
    default:
      return false;
  }
}

interface Place {
  object: Record<string, unknown>;
  key: string;
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== "object" || value === null) return [];
  const object = value as Record<string, unknown>;
  return Object.keys(object).flatMap((key) => [{ object, key }, ...placesIn(object[key])]);
}

function keysOf(value: unknown): string[] {
  return [...new Set(placesIn(value).map(({ key }) => key))];
}
