import { expect, test } from "vitest";
import { parseRecord, type RolloutRecord, recordText } from "../src/rollout/record.ts";

const record: RolloutRecord = {
  instanceId: "i-1",
  startedAt: Date.UTC(2026, 0, 1),
  holder: "pod-a",
  renewedAt: Date.UTC(2026, 0, 1, 0, 1),
  actions: [
    { asg: "workers", hook: "drain", instanceId: "i-1", token: "t", since: Date.UTC(2025, 11, 31) },
    { asg: "workers", hook: "save", instanceId: "i-1", since: Date.UTC(2025, 11, 31) },
  ],
  phase: "draining",
  waits: [
    { code: "budget", object: "PodDisruptionBudget a/b", message: "full", since: new Date(0) },
  ],
};

test("a record that is written is read again", () => {
  expect(parseRecord(recordText(record), "i-1")).toEqual(record);
});

test("it never grows beyond what a person reads", () => {
  const waits = Array.from({ length: 1000 }, () => record.waits![0]!);
  expect(recordText({ ...record, waits }).length).toBeLessThan(2000);
});

test.each([
  ["none", undefined],
  ["no JSON", "{"],
  ["null", "null"],
  ["a list", "[]"],
  ["another instance's", recordText({ ...record, instanceId: "i-12" })],
  ["one without a beginning", '{"instanceId":"i-1"}'],
  ["a beginning that is no time", '{"instanceId":"i-1","startedAt":"soon"}'],
  ["fields that are only inherited", '{"__proto__":{"instanceId":"i-1","startedAt":"2026-01-01"}}'],
])("%s is no record", (_name, text) => {
  expect(parseRecord(text, "i-1")).toBeUndefined();
});

test("of a record that was tampered with, what makes no sense is left out", () => {
  const text = JSON.stringify({
    instanceId: "i-1",
    startedAt: "2026-01-01T00:00:00Z",
    holder: 7,
    actions: [null, 1, {}, { asg: "workers" }, { asg: "workers", hook: "drain", token: {} }],
    waits: [null, { code: "x" }],
  });
  const startedAt = Date.UTC(2026, 0, 1);
  expect(parseRecord(text, "i-1")).toEqual({
    ...{ instanceId: "i-1", startedAt, renewedAt: startedAt, waits: [] },
    actions: [{ asg: "workers", hook: "drain", instanceId: "i-1", since: startedAt }],
  });
});
