import { expect, test } from "vitest";
import { noteVerdict } from "../src/gate/changes.ts";
import { type GateRecord, gateAnnotation } from "../src/gate/readiness-record.ts";
import { toNode } from "../src/kubernetes/objects.ts";

const at = "2026-12-01T12:00:00.000Z";
const nodeWith = (record: Partial<GateRecord>) =>
  toNode({
    metadata: {
      name: "n",
      annotations: { [gateAnnotation]: JSON.stringify({ bootId: "boot-1", since: at, ...record }) },
    },
    spec: {},
    status: {},
  });
const good = { result: "good" as const, at };

test("a verdict is written down, and another replica's stands", () => {
  const noteBad = noteVerdict("bad", at, false);
  expect(noteBad(nodeWith({}))?.record?.verdict).toEqual({ result: "bad", at });
  expect(noteBad(nodeWith({ verdict: good }))).toBeUndefined();
  expect(noteBad(nodeWith({ verdict: good, told: good }))).toBeUndefined();
});

test("for a hook that came after all was told the new verdict counts", () => {
  const again = noteVerdict("bad", at, true)(nodeWith({ verdict: good, told: good }));
  expect(again?.record).toMatchObject({ verdict: { result: "bad" }, told: good });
});
