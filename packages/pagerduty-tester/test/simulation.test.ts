import { describe, expect, test } from "vitest";
import { predictSends } from "../src/predict.ts";
import { crowd, simulate } from "./simulation.ts";

const hour = 3_600_000;
const quick = { answer: { after: 20 } };
const crowdOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: `P${index}`, ...quick }));

describe("several hundred people on one service", () => {
  test("each is paged once, as predicted, and PagerDuty never has to say 429", async () => {
    const world = await simulate("2026-12-01T08:59:00Z", crowd(300, "0 9 * * 2#1 UTC"), {
      users: crowdOf(300),
    });
    const predicted = predictSends(world.config.users, new Date(world.clock.now()), 6);
    const { stop } = await world.start();
    await world.until("2026-12-01T10:10:00Z");
    await stop();
    expect(new Set(world.fake.pages.map(({ userId }) => userId)).size).toBe(300);
    expect(world.fake.pages).toHaveLength(300);
    expect(Object.values(world.verdicts()).flat()).toEqual(Array(300).fill("pass"));
    expect(world.fake.requests.filter(({ status }) => status === 429)).toEqual([]);
    expect(world.fake.incidents.map(({ createdAt }) => createdAt)).toEqual(
      predicted.map(({ sendAt }) => sendAt.getTime()),
    );
    // Fifty minutes at six a minute.
    expect(world.fake.incidents.at(-1)?.createdAt).toBe(Date.parse("2026-12-01T09:49:00Z"));
  });

  test("who would be rung after do-not-disturb has ended is missed, and told so", async () => {
    const dnd = ', doNotDisturb: "22:00-07:00"';
    const world = await simulate("2026-12-01T06:54:00Z", crowd(60, "55 6 * * 2#1 UTC", dnd), {
      users: crowdOf(60),
    });
    const { stop } = await world.start();
    await world.until("2026-12-01T07:30:00Z");
    await stop();
    const last = Date.parse("2026-12-01T07:00:00Z");
    expect(world.fake.pages).toHaveLength(36);
    expect(world.fake.pages.every(({ at }) => at.getTime() <= last)).toBe(true);
    const missed = world.runs().filter(({ outcome }) => outcome?.verdict === "missed");
    expect(missed).toHaveLength(24);
    expect(missed[0]?.outcome?.reason).toBe("its turn came too late");
  });

  test("two services do not wait for each other", async () => {
    const people = `${crowd(30, "0 9 * * 2#1 UTC")}
  - { name: Other, id: POTHER, cron: "0 9 * * 2#1 UTC", service: POTHERSERVICE }`;
    const world = await simulate("2026-12-01T08:59:00Z", people, {
      users: [...crowdOf(30), { id: "POTHER", ...quick }],
      services: [{ id: "PTEST" }, { id: "POTHERSERVICE" }],
    });
    const { stop } = await world.start();
    await world.until("2026-12-01T09:01:00Z");
    await stop();
    const other = world.fake.pages.find(({ userId }) => userId === "POTHER");
    expect(other?.at.toISOString()).toBe("2026-12-01T09:00:00.000Z");
  });
});

describe("PagerDuty's own limit wins over ratePerMinute", () => {
  const people = crowd(12, "0 9 * * 2#1 UTC");
  const rateLimit = { limit: 2, seconds: 60 };

  test("told by headers it is kept, without a single 429", async () => {
    const world = await simulate("2026-12-01T08:59:00Z", people, { users: crowdOf(12), rateLimit });
    const { stop } = await world.start();
    await world.until("2026-12-01T09:20:00Z");
    await stop();
    expect(world.fake.pages).toHaveLength(12);
    expect(world.fake.requests.filter(({ status }) => status === 429)).toEqual([]);
  });

  test("untold it is found by a 429, waited for, and nobody is lost or paged twice", async () => {
    const world = await simulate("2026-12-01T08:59:00Z", people, {
      ...{ users: crowdOf(12), rateLimit, switches: { rateLimitHeaders: false } },
    });
    const { stop } = await world.start();
    await world.until("2026-12-01T09:30:00Z");
    await stop();
    expect(world.fake.pages.map(({ userId }) => userId).toSorted()).toEqual(
      crowdOf(12)
        .map(({ id }) => id)
        .toSorted(),
    );
    expect(world.fake.requests.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
  });
});

test("one person's trouble delays nobody else", async () => {
  const world = await simulate("2026-12-01T08:59:00Z", crowd(5, "0 9 * * 2#1 UTC"), {
    users: crowdOf(5),
    faults: [
      { method: "POST", text: '"P0"', status: 503, times: 99 },
      { method: "GET", text: "user_ids[]=P1", cut: "before", times: 999 },
      { method: "POST", text: '"P2"', status: 429, times: 1 },
    ],
  });
  const { stop } = await world.start();
  await world.until("2026-12-01T09:00:30Z");
  const rung = world.fake.pages.map(({ userId }) => userId);
  // P2's 429 speaks for the whole service, and holds those behind it for the minute it asks for.
  expect(rung).toEqual([]);
  await world.until("2026-12-01T09:03:00Z");
  expect(world.fake.pages.map(({ userId }) => userId).toSorted()).toEqual(["P2", "P3", "P4"]);
  await world.until("2026-12-01T11:00:00Z");
  await stop();
  expect(world.verdicts()).toEqual({
    ...{ P0: ["unknown"], P1: ["missed"], P2: ["pass"], P3: ["pass"], P4: ["pass"] },
  });
});

describe("the clock", () => {
  const daily = '  - { name: Ada, id: PADA, cron: "0 9 * * * UTC" }';
  const options = { users: [{ id: "PADA", ...quick }] };
  const rung = (world: Awaited<ReturnType<typeof simulate>>) =>
    world.fake.pages.map(({ key }) => key.replace("pagerduty-tester:PADA:", ""));

  test("days without a drift: each page leaves in its minute", async () => {
    const world = await simulate("2026-12-01T00:00:00Z", daily, options);
    const { stop } = await world.start();
    await world.until("2026-12-05T23:00:00Z");
    await stop();
    expect(world.fake.pages.map(({ at }) => at.toISOString())).toEqual(
      Array.from(
        { length: 5 },
        (_, day) => `2026-12-${String(day + 1).padStart(2, "0")}T09:00:00.000Z`,
      ),
    );
  });

  test("set forward over a run by less than the catch-up: it is made up for, once", async () => {
    const world = await simulate("2026-12-01T08:50:00Z", daily, options);
    const { stop } = await world.start();
    world.set(15 * 60_000);
    await world.until("2026-12-02T12:00:00Z");
    await stop();
    expect(rung(world)).toEqual(["2026-12-01T09:00Z", "2026-12-02T09:00Z"]);
  });

  test("set forward by a day and more: missed, and the next one comes", async () => {
    const world = await simulate("2026-12-01T08:50:00Z", daily, options);
    const { stop } = await world.start();
    world.set(26 * hour);
    await world.until("2026-12-03T12:00:00Z");
    await stop();
    expect(rung(world)).toEqual(["2026-12-03T09:00Z"]);
    expect(world.verdicts()).toEqual({ PADA: ["missed", "missed", "pass"] });
  });

  test("set back after a run: it does not ring again", async () => {
    const world = await simulate("2026-12-01T08:50:00Z", daily, options);
    const { stop } = await world.start();
    await world.until("2026-12-01T09:30:00Z");
    world.set(-2 * hour);
    await world.until("2026-12-02T12:00:00Z");
    await stop();
    expect(rung(world)).toEqual(["2026-12-01T09:00Z", "2026-12-02T09:00Z"]);
  });

  test("set forward by mistake and back again: what was called missed comes all the same", async () => {
    const world = await simulate("2026-12-01T08:50:00Z", daily, options);
    const { stop } = await world.start();
    world.set(26 * hour);
    await world.until("2026-12-02T10:51:00Z");
    world.set(-26 * hour);
    await world.until("2026-12-02T12:00:00Z");
    await stop();
    expect(rung(world)).toEqual(["2026-12-01T09:00Z", "2026-12-02T09:00Z"]);
  });

  test.for([
    ["8 minutes after a run", "2026-12-01T09:08:00Z", ["2026-12-01T09:00Z"], ["pass"]],
    ["half an hour after it", "2026-12-01T09:30:00Z", [], ["missed"]],
    [
      "three days later, just after a run",
      "2026-12-04T09:05:00Z",
      ["2026-12-04T09:00Z"],
      ["missed", "missed", "missed", "pass"],
    ],
  ] as const)("down at the time, up again %s", async ([, up, keys, verdicts]) => {
    const world = await simulate("2026-12-01T08:50:00Z", daily, options);
    const first = await world.start();
    await first.stop();
    await world.until(up);
    const second = await world.start();
    await world.until(new Date(Date.parse(up) + 20 * 60_000));
    await second.stop();
    expect(rung(world)).toEqual(keys);
    expect(world.verdicts()["PADA"]?.toSorted()).toEqual(verdicts);
  });
});
