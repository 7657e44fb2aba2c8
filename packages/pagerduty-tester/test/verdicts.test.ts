import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { FakeFault, FakePagerDutyOptions, FakeUser } from "../src/fake.ts";
import { startHook } from "./hooks.ts";
import { crowd, simulate } from "./simulation.ts";

const at = (id: string, more = "") =>
  `  - { name: ${id}, id: ${id}, cron: "0 9 * * 2#1 UTC"${more} }`;

test("all ten verdicts, from people as they are, and with a restart over the deadline", async () => {
  const hook = await startHook("/hook");
  const answers: Record<string, FakeUser["answer"]> = {
    ...{ PPASS: { after: 20, action: "acknowledge", channel: "sms" } },
    ...{ PLATE: { after: 16 * 60 }, PNEVER: { after: "never" } },
    ...{ POTHER: { after: 30, by: "PBOB" }, PREAL: { after: "never" } },
  };
  const people = [...Object.keys(answers), "PFAIL", "PSELF", "PGONE", "PDOUBT"];
  const world = await simulate(
    "2026-12-01T08:55:00Z",
    [...people.map((id) => at(id)), at("PMISSED", ", maxLateness: 0s")].join("\n"),
    {
      settings: `escalation: { webhook: "${hook.url}" }`,
      users: [
        ...Object.entries(answers).map(
          ([id, answer]) => ({ id, answer: answer ?? {} }) as FakeUser,
        ),
        ...[{ id: "PBOB" }, { id: "PFAIL", delivery: "failed" as const }, { id: "PDOUBT" }],
        ...[{ id: "PMISSED" }, { id: "PSELF", email: "Tester@Example.com" }],
      ],
      faults: [{ method: "POST", text: "PDOUBT", status: 503, times: 99 }],
    },
  );
  const real = { title: "disk full", serviceId: "PTEST", userId: "PREAL", key: "real" };
  await world.client().createIncident(real);
  const first = await world.start();
  await world.until("2026-12-01T09:08:00Z");
  await first.stop();
  await world.until("2026-12-01T09:40:00Z");
  const second = await world.start();
  await world.until("2026-12-01T12:00:00Z");
  await second.stop();
  expect(world.verdicts()).toEqual({
    ...{ PPASS: ["pass"], PLATE: ["late"], PNEVER: ["no-response"], POTHER: ["wrong-person"] },
    ...{ PREAL: ["skipped"], PFAIL: ["not-notified"], PSELF: ["self-assigned"] },
    ...{ PGONE: ["refused"], PDOUBT: ["unknown"], PMISSED: ["missed"] },
  });
  // One escalation, although two processes saw it; one page each, although PPASS only acknowledged.
  expect(hook.received.map(({ body }) => body)).toEqual([
    expect.objectContaining({
      verdict: "no-response",
      text: expect.stringMatching(/^Test page to PNEVER at 2026-12-01T09:00:00.000Z: no-response/),
    }),
  ]);
  const rung = world.fake.pages.filter(({ key }) => key !== "real");
  expect(rung.map(({ userId }) => userId).toSorted()).toEqual(
    ["PPASS", "PLATE", "PNEVER", "POTHER"].toSorted(),
  );
  const open = world.fake.incidents.filter(({ status }) => status !== "resolved");
  expect(open.map(({ key }) => key)).toEqual(["real"]);
});

test("a user's own token: that user is who incidents are created as, whatever From says", async () => {
  const world = await simulate("2026-12-01T08:59:00Z", `${at("PADA")}\n${at("PBOB")}`, {
    users: [{ id: "PADA" }, { id: "PBOB", answer: { after: 5 } }],
    tokenUserId: "PADA",
  });
  const { stop } = await world.start();
  await world.until("2026-12-01T09:30:00Z");
  await stop();
  expect(world.verdicts()).toEqual({ PADA: ["self-assigned"], PBOB: ["pass"] });
  expect(world.fake.incidents.map(({ key }) => key)).toEqual([
    "pagerduty-tester:PBOB:2026-12-01T09:00Z",
  ]);
});

test("self-assignment that shows only afterwards, as the token may not look at users", async () => {
  const world = await simulate("2026-12-01T08:59:00Z", at("PADA"), {
    users: [{ id: "PADA", email: "tester@example.com" }],
    faults: [{ path: "/users", status: 403, times: 99 }],
  });
  const { stop } = await world.start();
  await world.until("2026-12-01T09:30:00Z");
  await stop();
  expect(world.verdicts()).toEqual({ PADA: ["self-assigned"] });
  expect(world.fake.pages).toEqual([]);
  expect(world.fake.incidents.map(({ status }) => status)).toEqual(["resolved"]);
});

describe("trouble with the API: what becomes of one page", () => {
  const rung = ["pass", 1] as const;
  const silent = (verdict: string) => [verdict, 0] as const;
  const error = (message: string, code: number, ...errors: string[]) => ({
    error: { message, code, errors },
  });
  const duplicate = "Open incident with matching dedup key already exists on this service";
  const limits = { "ratelimit-limit": "6", "ratelimit-remaining": "0", "ratelimit-reset": "31" };
  const post = (fault: FakeFault): FakeFault => ({ method: "POST", ...fault });
  const look = (fault: FakeFault): FakeFault => ({
    ...{ method: "GET", path: "/incidents", text: "PADA:2026" },
    ...fault,
  });
  const cases: [string, FakeFault[], readonly [string, number], string?][] = [
    ["429 with headers", [post({ status: 429, headers: limits, times: 3 })], rung],
    ["429 without headers or body", [post({ status: 429, times: 2 })], rung],
    ["429 for the look-up", [look({ status: 429, times: 2 })], rung],
    [
      "429 with the seconds since 1970 in place of those to wait",
      [post({ status: 429, headers: { ...limits, "ratelimit-reset": "1796110000" } })],
      rung,
    ],
    [
      "429 with a wait of less than nothing",
      [post({ status: 429, headers: { ...limits, "ratelimit-reset": "-5" } })],
      rung,
    ],
    [
      "429 for longer than the page may be late",
      [post({ status: 429, times: 999 })],
      silent("missed"),
    ],
    ["500", [post({ status: 500, body: error("Internal", 2000) })], rung],
    ["502 with a page of HTML", [post({ status: 502, body: "<html>" })], rung],
    ["500 for good", [post({ status: 500, times: 99 })], silent("unknown")],
    ["408", [post({ status: 408 })], rung],
    ["a time-out before it accepts", [post({ delayMs: 900, cut: "before" })], rung],
    ["a time-out after it accepted", [post({ answer: "trickle" })], rung],
    ["a reset before it accepts", [post({ cut: "before", times: 2 })], rung],
    ["a reset after it accepted", [post({ cut: "after" })], rung],
    ["half an answer", [post({ answer: "half" })], rung],
    ["an answer without an incident", [post({ status: 201, body: { ok: true } })], rung],
    ["an answer of another type", [post({ status: 201, body: { incident: { id: 7 } } })], rung],
    [
      "a redirect",
      [post({ status: 302, headers: { location: "/incidents" } })],
      silent("refused"),
      "is PAGERDUTY_API_URL right?",
    ],
    [
      "401",
      [post({ status: 401, body: error("no", 2006) })],
      silent("refused"),
      "region: us or eu",
    ],
    ["402", [post({ status: 402 })], silent("refused"), "lacks an ability"],
    ["403", [post({ status: 403, body: error("no", 2010) })], silent("refused"), "scopes"],
    [
      "404",
      [post({ status: 404, body: error("Not Found", 2100) })],
      silent("refused"),
      "code 2100",
    ],
    ["413", [post({ status: 413 })], silent("refused"), "status 413"],
    [
      "2001 with all that it says",
      [post({ status: 400, body: error("Invalid Input Provided", 2001, "First.", "Second.") })],
      silent("refused"),
      "First.: Second.",
    ],
    [
      "2002 that is no duplicate",
      [post({ status: 400, body: error("Arguments Caused Error", 2002, "Service not found") })],
      silent("refused"),
      "Service not found",
    ],
    [
      "2002 that is one, of a page that nobody can find",
      [post({ status: 400, body: error("Arguments Caused Error", 2002, duplicate), times: 99 })],
      silent("unknown"),
    ],
    [
      "a duplicate known by another code",
      [post({ cut: "after" }), look({ status: 200, body: { incidents: [] }, skip: 1, times: 3 })],
      rung,
    ],
    ["look-ups that are no JSON", [look({ status: 200, body: "<html>", times: 3 })], rung],
    ["look-ups that trickle", [look({ answer: "trickle", times: 2 })], rung],
    ["a look-up that may not be made", [look({ status: 403 })], silent("refused"), "scopes"],
    [
      "a log that fails for a while",
      [{ method: "GET", path: "/incidents/Q", status: 500, times: 20 }],
      rung,
    ],
    [
      "a log that nobody may read",
      [{ method: "GET", path: "/incidents/Q", status: 403, times: 99 }],
      ["unknown", 1],
    ],
    [
      "a log that is no log",
      [{ method: "GET", path: "/incidents/Q", status: 200, body: {}, times: 5 }],
      rung,
    ],
    ["a resolution that fails", [{ method: "PUT", status: 500, times: 3 }], rung],
    ["a resolution that is cut", [{ method: "PUT", cut: "after" }], rung],
  ];
  test.for(cases)("%s", async ([, faults, [verdict, pages], reason]) => {
    const world = await simulate("2026-12-01T08:59:30Z", at("PADA"), {
      users: [{ id: "PADA", answer: { after: 20, action: "acknowledge" } }],
      faults,
      // The slow machine of a test is not the slow server that is tested.
      timeouts: { response: 800, request: 1_500 },
    });
    const { stop } = await world.start();
    await world.until("2026-12-01T11:00:00Z");
    await stop();
    expect(world.verdicts(), world.runs()[0]?.outcome?.reason).toEqual({ PADA: [verdict] });
    expect(world.fake.pages).toHaveLength(pages);
    if (reason !== undefined) expect(world.runs()[0]?.outcome?.reason).toContain(reason);
    expect(world.fake.incidents.filter(({ status }) => status !== "resolved")).toEqual([]);
  });

  const people = { users: [{ id: "PADA", answer: { after: 20 } }] };

  test("a wait of no seconds is no storm of requests", async () => {
    const none = { ...limits, "ratelimit-reset": "0" };
    const world = await simulate("2026-12-01T08:59:30Z", at("PADA"), {
      ...people,
      faults: [look({ status: 429, headers: none, times: 20 })],
    });
    const { stop } = await world.start();
    await world.until("2026-12-01T09:01:00Z");
    expect(world.fake.requests.filter(({ status }) => status === 429).length).toBeLessThan(8);
    await world.until("2026-12-01T09:30:00Z");
    await stop();
    expect(world.verdicts()).toEqual({ PADA: ["pass"] });
  });

  test("a date to come again at is on the server's clock", async () => {
    const date = "Tue, 01 Dec 2026 03:00:00 GMT";
    const headers = { date, "retry-after": "Tue, 01 Dec 2026 03:05:00 GMT" };
    const world = await simulate("2026-12-01T08:59:30Z", at("PADA"), {
      ...people,
      faults: [post({ status: 429, headers })],
    });
    const { stop } = await world.start();
    await world.until("2026-12-01T09:30:00Z");
    await stop();
    expect(world.fake.pages.map((page) => page.at.toISOString())).toEqual([
      "2026-12-01T09:05:00.000Z",
    ]);
  });

  test("a limit that a look-up meets holds everybody on the service", async () => {
    const world = await simulate("2026-12-01T08:59:30Z", `${at("PADA")}\n${at("PBOB")}`, {
      users: [...people.users, { id: "PBOB", answer: { after: 20 } }],
      faults: [look({ status: 429, headers: limits })],
    });
    const { stop } = await world.start();
    await world.until("2026-12-01T09:00:30Z");
    expect(world.fake.pages).toEqual([]);
    await world.until("2026-12-01T09:30:00Z");
    await stop();
    expect(world.verdicts()).toEqual({ PADA: ["pass"], PBOB: ["pass"] });
  });

  test("an incident that cannot be resolved for long is resolved before it pages again", async () => {
    const world = await simulate("2026-12-01T08:59:30Z", at("PADA"), {
      users: [{ id: "PADA", answer: { after: 20, action: "acknowledge" } }],
      services: [{ id: "PTEST", acknowledgementTimeout: 1800 }],
      faults: [{ method: "PUT", status: 503, times: 30 }],
    });
    const { stop } = await world.start();
    await world.until("2026-12-01T11:00:00Z");
    await stop();
    expect(world.verdicts()).toEqual({ PADA: ["pass"] });
    expect(world.fake.pages).toHaveLength(1);
    expect(world.fake.incidents.map(({ status }) => status)).toEqual(["resolved"]);
    const troubles = world.events.filter(({ type }) => type === "trouble");
    expect(troubles).toEqual([
      { type: "trouble", reason: expect.stringMatching(/could not be resolved; it is tried on: /) },
    ]);
  });

  const clocks: [string, FakePagerDutyOptions["switches"]][] = [
    ["an hour ahead", { clockSkewSeconds: 3600 }],
    ["an hour behind", { clockSkewSeconds: -3600 }],
    ["half a minute ahead, its lists behind", { clockSkewSeconds: 30, listLagSeconds: 20 }],
  ];
  test.for(clocks)("PagerDuty's clock %s: the delays are its own", async ([, switches = {}]) => {
    const world = await simulate("2026-12-01T08:59:30Z", at("PADA"), {
      users: [{ id: "PADA", answer: { after: 20 } }],
      switches,
      faults: [post({ cut: "after" })],
    });
    const { stop } = await world.start();
    await world.until("2026-12-01T09:30:00Z");
    await stop();
    expect(world.runs()[0]?.outcome).toMatchObject({ verdict: "pass", respondedAfterMs: 20_000 });
    expect(world.fake.pages).toHaveLength(1);
  });
});

test("a person who is listed twice: the entry that made the run says how long it is waited for", async () => {
  const entry = (cron: string, minutes: number) =>
    `  - { name: Ada, id: PADA, cron: "${cron} UTC", verifyMinutes: ${minutes} }`;
  const people = [entry("0 12 1 1 *", 60), entry("0 9 * * *", 2)].join("\n");
  const world = await simulate("2026-12-01T08:59:30Z", people, {
    users: [{ id: "PADA", answer: { after: "never" } }],
  });
  const { stop } = await world.start();
  await world.until("2026-12-01T09:03:00Z");
  await stop();
  expect(world.verdicts()).toEqual({ PADA: ["no-response"] });
});

test("a page by hand that another process waits for is left to it, for as long as its person has", async () => {
  const world = await simulate("2026-12-01T08:40:00Z", at("PADA", ", verifyMinutes: 60"), {
    settings: "verifyMinutes: 5",
    users: [{ id: "PADA", answer: { after: 1800 } }],
  });
  const [key, asked] = ["pagerduty-tester:PADA:by-hand:x", "2026-12-01T08:40:00.000Z"];
  const page = { title: "by hand", serviceId: "PTEST", userId: "PADA", key };
  const { id } = await world.client().createIncident(page);
  const incident = {
    ...{ id, url: "https://acme.pagerduty.com/", createdAt: asked, sentAt: asked },
    verifyMs: 3_600_000,
  };
  const records = [
    {
      ...{ event: "planned", key, at: asked, scheduledAt: asked, service: "PTEST" },
      user: { id: "PADA", name: "Ada" },
    },
    { event: "created", key, at: asked, incident },
  ];
  writeFileSync(
    join(dirname(world.config.file), "journal"),
    records.map((record) => `${JSON.stringify(record)}\n`).join(""),
  );
  await world.until("2026-12-01T08:55:00Z");
  const { stop } = await world.start();
  await world.until("2026-12-01T08:58:00Z");
  expect(world.fake.incidents.map(({ status }) => status)).toEqual(["triggered"]);
  await world.until("2026-12-01T09:30:00Z");
  await stop();
  expect(world.runs().map((run) => run.key)).not.toContain(key);
});

test("a page by hand that was cut off is not sent by a later start", async () => {
  const world = await simulate("2026-12-01T09:00:00Z", at("PADA"), {
    settings: "verifyMinutes: 5",
    users: [{ id: "PADA" }],
  });
  const [key, asked] = ["pagerduty-tester:PADA:by-hand:x", "2026-12-01T08:40:00.000Z"];
  const records = [
    {
      ...{ event: "planned", key, at: asked, scheduledAt: asked, service: "PTEST" },
      user: { id: "PADA", name: "Ada" },
    },
    { event: "sending", key, at: asked },
  ];
  writeFileSync(
    join(dirname(world.config.file), "journal"),
    records.map((record) => `${JSON.stringify(record)}\n`).join(""),
  );
  const { stop } = await world.start();
  await world.until("2026-12-01T09:30:00Z");
  await stop();
  expect(world.runs().find((run) => run.key === key)?.outcome?.verdict).toBe("unknown");
  expect(world.fake.pages.map((page) => page.key)).not.toContain(key);
});

test("maintenance that takes incidents and pages nobody: not-notified, and it is cleaned up", async () => {
  const world = await simulate("2026-12-01T08:59:30Z", at("PADA"), {
    users: [{ id: "PADA" }],
    services: [{ id: "PTEST", status: "maintenance" }],
    switches: { maintenance: "accept-without-page" },
  });
  const { stop } = await world.start();
  await world.until("2026-12-01T09:30:00Z");
  await stop();
  expect(world.verdicts()).toEqual({ PADA: ["not-notified"] });
  expect(world.fake.incidents.map(({ status }) => status)).toEqual(["resolved"]);
});

test("hundreds of open pages are watched by few requests", async () => {
  const count = 120;
  const world = await simulate("2026-12-01T08:59:00Z", crowd(count, "0 9 * * 2#1 UTC"), {
    users: Array.from({ length: count }, (_, index) => ({
      id: `P${index}`,
      answer: { after: "never" as const },
    })),
  });
  const { stop } = await world.start();
  await world.until("2026-12-01T10:00:00Z");
  await stop();
  expect(Object.values(world.verdicts()).flat()).toEqual(Array(count).fill("no-response"));
  // Four to page and judge each, and a list a poll.
  expect(world.fake.requests.length / count).toBeLessThan(14);
});
