import { describe, expect, test } from "vitest";
import type { LogEntry } from "../src/index.ts";
import { type Evidence, verdictOf } from "../src/verdict.ts";

const createdAt = new Date("2026-12-01T14:55:00Z");
const at = (seconds: number) => new Date(createdAt.getTime() + seconds * 1000).toISOString();

const notify = (seconds = 1, status = "success", user = "PADA"): LogEntry => ({
  id: `N${seconds}`,
  type: "notify_log_entry",
  created_at: at(seconds),
  agent: { id: "PTEST", type: "service_reference" },
  user: { id: user },
  channel: { type: "auto", notification: { type: "sms", status } },
});
const act = (
  type: "acknowledge" | "resolve",
  who: string,
  seconds: number,
  channel = "sms",
): LogEntry => ({
  id: `${type}-${who}`,
  type: `${type}_log_entry`,
  created_at: at(seconds),
  agent: who === "service" ? { id: "PTEST", type: "service_reference" } : { id: who },
  channel: { type: channel },
});

const judge = (entries: LogEntry[], rest: Partial<Evidence> = {}) =>
  verdictOf({
    userId: "PADA",
    createdAt,
    createdStatus: "triggered",
    deadline: new Date(at(900)),
    over: false,
    entries,
    creatorIds: ["PSENDER"],
    ...rest,
  });

describe("verdictOf", () => {
  const over = { over: true };
  const cases: [string, LogEntry[], Partial<Evidence>, string | undefined][] = [
    ["nothing yet", [], {}, undefined],
    ["notified, waiting", [notify()], {}, undefined],
    ["acknowledged", [notify(), act("acknowledge", "PADA", 30)], {}, "pass"],
    ["resolved", [notify(), act("resolve", "PADA", 30)], {}, "pass"],
    ["resolved without a notification in the log", [act("resolve", "PADA", 30)], {}, "pass"],
    ["answered at the deadline", [notify(), act("resolve", "PADA", 900)], over, "pass"],
    ["answered after it", [notify(), act("resolve", "PADA", 901)], over, "late"],
    ["no answer", [notify()], over, "no-response"],
    ["nothing sent", [], over, "not-notified"],
    ["the carrier refused", [notify(1, "failed")], over, "not-notified"],
    ["somebody else was notified", [notify(1, "success", "POTHER")], over, "not-notified"],
    [
      "acknowledged by another, time is left",
      [notify(), act("acknowledge", "POTHER", 30)],
      {},
      undefined,
    ],
    ["acknowledged by another", [notify(), act("acknowledge", "POTHER", 30)], over, "wrong-person"],
    ["resolved by another", [notify(), act("resolve", "POTHER", 30)], {}, "wrong-person"],
    [
      "by another, then by the person",
      [act("acknowledge", "POTHER", 5), act("resolve", "PADA", 9)],
      {},
      "pass",
    ],
    [
      "resolved by the service's time-out",
      [notify(), act("resolve", "service", 60, "timeout")],
      {},
      "no-response",
    ],
    ["our own clean-up", [notify(), act("resolve", "PSENDER", 60, "api")], {}, "no-response"],
    [
      "the sender by hand",
      [notify(), act("resolve", "PSENDER", 60, "website")],
      {},
      "wrong-person",
    ],
    ["created acknowledged", [], { createdStatus: "acknowledged" }, "self-assigned"],
    [
      "acknowledged by being created",
      [act("acknowledge", "PADA", 0, "api")],
      { createdStatus: undefined, creatorIds: ["PADA"] },
      "self-assigned",
    ],
    ["in any order", [act("resolve", "PADA", 30), notify()], {}, "pass"],
  ];
  test.for(cases)("%s", ([, entries, rest, verdict]) => {
    expect(judge(entries, rest)?.verdict).toBe(verdict);
  });

  test("delays, channel and evidence", () => {
    const entries = [
      notify(2),
      act("acknowledge", "PADA", 30),
      act("resolve", "PADA", 40, "phone"),
    ];
    expect(judge(entries)).toEqual({
      verdict: "pass",
      notifiedAfterMs: 2_000,
      respondedAfterMs: 30_000,
      acknowledgedAfterMs: 30_000,
      resolvedAfterMs: 40_000,
      channel: "sms",
      evidence: ["N2", "acknowledge-PADA", "resolve-PADA"],
    });
  });
});
