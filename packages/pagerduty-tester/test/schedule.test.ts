import { describe, expect, test } from "vitest";
import { nextRuns } from "../src/index.ts";
import { parseDoNotDisturb, untilEnd } from "../src/schedule/do-not-disturb.ts";
import { latestRun, parseSchedule } from "../src/schedule/schedule.ts";
import { scheduleWarnings } from "../src/schedule/warnings.ts";

const first = (cron: string, from: string, count: number, timeZone?: string) =>
  nextRuns(cron, {
    from: new Date(from),
    count,
    ...(timeZone === undefined ? {} : { timeZone }),
  }).map((at) => at.toISOString().replace(":00.000Z", "Z"));

describe("known instants", () => {
  const cases: [string, string, string[]][] = [
    [
      "55 6 * * 2#1 America/Los_Angeles",
      "2026-11-23T00:00Z",
      ["2026-12-01T14:55Z", "2027-01-05T14:55Z"],
    ],
    [
      "55 6 * * tue#1 America/Los_Angeles",
      "2027-03-01T00:00Z",
      ["2027-03-02T14:55Z", "2027-04-06T13:55Z"],
    ],
    ["0 9 * * 5#5 UTC", "2026-11-23T00:00Z", ["2027-01-29T09:00Z", "2027-04-30T09:00Z"]],
    ["0 9 * * 2#1,2#3 UTC", "2026-12-01T12:00Z", ["2026-12-15T09:00Z", "2027-01-05T09:00Z"]],
    ["0 9 L * * UTC", "2027-02-01T00:00Z", ["2027-02-28T09:00Z", "2027-03-31T09:00Z"]],
    ["0 9 last * * UTC", "2028-02-01T00:00Z", ["2028-02-29T09:00Z"]],
    ["0 9 -1 * * UTC", "2027-04-01T00:00Z", ["2027-04-30T09:00Z"]],
    ["0 9 * * 2#-1 UTC", "2026-11-23T00:00Z", ["2026-11-24T09:00Z", "2026-12-29T09:00Z"]],
    ["0 9 * * 2#last UTC", "2026-11-25T00:00Z", ["2026-12-29T09:00Z"]],
    ["0 9 * * 2#L UTC", "2026-11-25T00:00Z", ["2026-12-29T09:00Z"]],
    ["0 9 1-7& * 2 UTC", "2026-11-23T00:00Z", ["2026-12-01T09:00Z", "2027-01-05T09:00Z"]],
    ["0 9 1-7 * 2 UTC", "2026-12-01T12:00Z", ["2026-12-02T09:00Z", "2026-12-03T09:00Z"]],
    ["15/30 9 * * * UTC", "2026-11-23T00:00Z", ["2026-11-23T09:15Z", "2026-11-23T09:45Z"]],
    ["0 22-2 * * * UTC", "2026-11-23T22:30Z", ["2026-11-23T23:00Z", "2026-11-24T00:00Z"]],
    ["0 9 * * fri-mon UTC", "2026-11-23T12:00Z", ["2026-11-27T09:00Z", "2026-11-28T09:00Z"]],
    ["0 9 * * monday UTC", "2026-11-23T12:00Z", ["2026-11-30T09:00Z"]],
    ["0 9 1 january * UTC", "2026-11-23T00:00Z", ["2027-01-01T09:00Z"]],
    ["0 9 * * 7 UTC", "2026-11-23T00:00Z", ["2026-11-29T09:00Z"]],
    ["@noon Asia/Kolkata", "2026-11-23T00:00Z", ["2026-11-23T06:30Z"]],
    ["@daily Europe/Kyiv", "2026-11-23T00:00Z", ["2026-11-23T22:00Z"]],
    ["0 9 29 2 * UTC", "2026-11-23T00:00Z", ["2028-02-29T09:00Z"]],
    ["0 24 * * * UTC", "2026-11-23T12:00Z", ["2026-11-24T00:00Z", "2026-11-25T00:00Z"]],
    ["0 22-24 * * * UTC", "2026-11-23T22:30Z", ["2026-11-23T23:00Z", "2026-11-24T00:00Z"]],
    ["/20 9 * * * UTC", "2026-11-23T09:10Z", ["2026-11-23T09:20Z", "2026-11-23T09:40Z"]],
    ["*/90 9 * * * UTC", "2026-11-23T09:10Z", ["2026-11-24T09:00Z", "2026-11-25T09:00Z"]],
    ["0,,30 9, * * * UTC", "2026-11-23T09:10Z", ["2026-11-23T09:30Z", "2026-11-24T09:00Z"]],
    ["0 9 * * 7-2 UTC", "2026-11-23T12:00Z", ["2026-11-24T09:00Z", "2026-11-29T09:00Z"]],
    ["0 9 30-last * * UTC", "2027-02-01T00:00Z", ["2027-03-30T09:00Z", "2027-03-31T09:00Z"]],
    ["0 9 1-7 * +monday UTC", "2026-11-23T00:00Z", ["2026-12-07T09:00Z", "2027-01-04T09:00Z"]],
    ["0 9 1-7 * +sat-sun UTC", "2026-11-23T00:00Z", ["2026-12-05T09:00Z", "2026-12-06T09:00Z"]],
    ["0 0 9 1-7 * +1 utc", "2026-11-23T00:00Z", ["2026-12-07T09:00Z", "2027-01-04T09:00Z"]],
    ["0 9 13& * * UTC", "2026-11-23T00:00Z", ["2026-12-13T09:00Z", "2027-01-13T09:00Z"]],
    ["0 9 13 * fri& UTC", "2026-11-23T00:00Z", ["2027-08-13T09:00Z", "2028-10-13T09:00Z"]],
    ["30 5 * * * Asia/Kathmandu", "2026-11-23T00:00Z", ["2026-11-23T23:45Z"]],
    ["0 0 * * * Australia/Lord_Howe", "2026-11-23T00:00Z", ["2026-11-23T13:00Z"]],
    ["0 9 * * * Pacific/Kiritimati", "2026-11-23T00:00Z", ["2026-11-23T19:00Z"]],
    [
      "30 2 * * * America/New_York",
      "2027-03-13T12:00Z",
      ["2027-03-14T07:00Z", "2027-03-15T06:30Z"],
    ],
    [
      "30 1 * * * America/New_York",
      "2027-11-06T12:00Z",
      ["2027-11-07T05:30Z", "2027-11-08T06:30Z"],
    ],
    ["30 2 * * * Europe/Berlin", "2027-03-27T12:00Z", ["2027-03-28T01:00Z", "2027-03-29T00:30Z"]],
    ["30 2 * * * Europe/Berlin", "2027-10-30T12:00Z", ["2027-10-31T00:30Z", "2027-11-01T01:30Z"]],
    [
      "30 * * * * America/New_York",
      "2027-03-14T06:00Z",
      ["2027-03-14T06:30Z", "2027-03-14T07:30Z"],
    ],
    [
      "30 * * * * America/New_York",
      "2027-11-07T05:00Z",
      ["2027-11-07T05:30Z", "2027-11-07T06:30Z"],
    ],
  ];
  test.for(cases)("%s from %s", ([cron, from, expected]) => {
    expect(first(cron, from, expected.length)).toEqual(expected);
  });

  test("strictly after, and the option wins over the pattern's zone", () => {
    expect(first("55 6 * * * UTC", "2026-11-23T06:55:00Z", 1)).toEqual(["2026-11-24T06:55Z"]);
    expect(first("55 6 * * * UTC", "2026-11-23T06:54:59.999Z", 1)).toEqual(["2026-11-23T06:55Z"]);
    expect(first("55 6 * * * UTC", "2026-11-23T00:00Z", 1, "Asia/Tokyo")).toEqual([
      "2026-11-23T21:55Z",
    ]);
    expect(first("30 2 30 2 * UTC", "2026-11-23T00:00Z", 3)).toEqual([]);
  });
});

/** Wall clock → instant by searching the zone's offsets alone: nothing of the code under test. */
function wallClock(timeZone: string, day: string, hour: number, minute: number): number {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    dateStyle: "short",
    timeStyle: "short",
  });
  const wanted = `${day} ${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
  const around = Date.parse(`${day}T00:00Z`);
  const minutes = Array.from(
    { length: 60 * 60 },
    (_, index) => around + (index - 15 * 60) * 60_000,
  );
  const exact = minutes.find((at) => format.format(at) === wanted);
  // In a gap: the first instant of the day that is later on the wall clock.
  return exact ?? minutes.find((at) => format.format(at) > wanted) ?? Number.NaN;
}

describe("an independent reckoning agrees, around every change of summer time", () => {
  const zones: [string, string[]][] = [
    ["America/New_York", ["2027-03-14", "2027-11-07"]],
    ["America/Los_Angeles", ["2027-03-14", "2027-11-07"]],
    ["America/St_Johns", ["2027-03-14", "2027-11-07"]],
    ["America/Santiago", ["2027-04-04", "2027-09-05"]],
    ["Europe/Berlin", ["2027-03-28", "2027-10-31"]],
    ["Europe/London", ["2027-03-28", "2027-10-31"]],
    ["Africa/Cairo", ["2027-04-30", "2027-10-29"]],
    ["Asia/Beirut", ["2027-03-28", "2027-10-31"]],
    ["Australia/Sydney", ["2027-04-04", "2027-10-03"]],
    ["Australia/Lord_Howe", ["2027-04-04", "2027-10-03"]],
    ["Pacific/Auckland", ["2027-04-04", "2027-09-26"]],
    ["Asia/Kolkata", ["2027-03-28", "2027-10-31"]],
  ];
  const times: [number, number][] = [
    [0, 0],
    [0, 30],
    [1, 30],
    [2, 0],
    [2, 15],
    [6, 55],
  ];
  const cases = zones.flatMap(([zone, days]) =>
    days.flatMap((day) => times.map(([hour, minute]) => ({ zone, day, hour, minute }))),
  );
  test.for(cases)("$zone $day $hour:$minute", ({ zone, day, hour, minute }) => {
    const expected = wallClock(zone, day, hour, minute);
    const previous = wallClock(zone, dayBefore(day), hour, minute);
    const [run] = nextRuns(`${minute} ${hour} * * * ${zone}`, {
      from: new Date(previous),
      count: 1,
    });
    expect(run?.toISOString()).toBe(new Date(expected).toISOString());
    const schedule = parseSchedule(`${minute} ${hour} * * *`, zone);
    expect(latestRun(schedule, new Date(expected))?.getTime()).toBe(expected);
  });
});

function dayBefore(day: string): string {
  return new Date(Date.parse(day) - 86_400_000).toISOString().slice(0, 10);
}

describe("what is refused says what to write", () => {
  const cases: [string, RegExp][] = [
    ["0 9 * * mon%2 UTC", /mon#1,mon#3/],
    ["0 9 -2 * * UTC", /only the last can be named, L/],
    ["0 9 * * 2#-2 UTC", /only the last weekday/],
    ["@reboot UTC", /known are @yearly/],
    ["0 9 * * * PST", /America\/New_York/],
    ["0 9 * * * EST", /abbreviation/],
    ["0 9 * * * +02:00", /offset/],
    ["0 9 * * * Europe/Berln", /no time zone/],
    ["0 9 * * * -0530", /offset.*Europe\/Berlin$/],
    ["0 9 * * * +2", /\+2 is an offset.*Etc\/GMT-2/],
    ["0 9 * * * -5", /-5 is an offset.*Etc\/GMT\+5/],
    ["0 9 * * * +02:00", /or Etc\/GMT-2 for that offset/],
    ["0 9 * * 2/2 UTC", /2 alone, some as 2-6\/2/],
    ["0 9 -5--2 * * UTC", /only the last can be named, L/],
    ["0 9~11 * * * UTC", /write a fixed one/],
    ["0 9 , * * UTC", /day of month is empty/],
    ["0 9 * * UTC", /five fields/],
    ["61 9 * * * UTC", /61 is no minute; those go from 0 to 59/],
    ["0 9 32 * * UTC", /32 is no day of month/],
    ["0 9 * 0 * UTC", /0 is no month/],
    ["every day at nine", /intervals and words have no cron; write one such as/],
    ["@every 5m", /intervals and words have no cron; write one such as/],
  ];
  test.for(cases)("%s", ([cron, message]) => {
    expect(() => nextRuns(cron, { from: new Date(), count: 1 })).toThrow(message);
  });
  test("a from that is no date, a count that is no number", () => {
    const runs = (from: Date, count: number) => nextRuns("0 9 * * * UTC", { from, count });
    expect(() => runs(new Date("soon"), 1)).toThrow(new RangeError("from is no date"));
    expect(() => runs(new Date(), -1)).toThrow(/count is -1, expected a number from 0/);
    expect(() => runs(new Date(), Number.NaN)).toThrow(RangeError);
    expect(runs(new Date(), 0)).toEqual([]);
  });
  test.for(["UTC", "utc", "Asia/Kolkata", "Europe/Kyiv", "CET", "Japan", "Etc/GMT-2"])(
    "%s is a zone",
    (zone) => {
      expect(nextRuns(`0 9 * * * ${zone}`, { from: new Date(), count: 1 })).toHaveLength(1);
    },
  );
});

describe("warnings", () => {
  const now = new Date("2026-11-23T00:00Z");
  const warn = (cron: string) => scheduleWarnings(parseSchedule(cron), now).join("; ");
  test.for([
    ["30 2 30 2 * UTC", /never fires/],
    ["55 6 1-7 * 2 UTC", /also on every weekday 2 .*2#1/],
    [
      "30 2 * * 0 America/New_York",
      /2027-03-14 02:00 to 03:00 .*skips: it runs at the end of it, 2027-03-14T07:00:00Z/,
    ],
    [
      "30 1 * * 0 America/New_York",
      /2027-11-07 01:00 to 02:00 .*repeats: it runs in the first pass/,
    ],
    ["*/20 2 28 3 * Europe/Berlin", /2027-03-28 02:00 to 03:00 .*skips: it does not run then/],
    ["*/20 2 31 10 * Europe/Berlin", /2027-10-31 02:00 to 03:00 .*repeats: it runs in both passes/],
    ["45 1 4 4 * Australia/Lord_Howe", /2027-04-04 01:30 to 02:00 .*repeats/],
    ["30 0 30 4 * Africa/Cairo", /2027-04-30 00:00 to 01:00 .*skips: it runs at/],
    ["*/5 * * * * UTC", /400 times and more in the next 30 days/],
    ["5 9 * * * UTC", /30 times in the next 30 days/],
    ["55 6 * * 2#1", /no time zone is given/],
  ] as [string, RegExp][])("%s", ([cron, message]) => {
    expect(warn(cron)).toMatch(message);
  });
  test.for([
    "55 6 * * 2#1 America/Los_Angeles",
    "0 3 28 3 * Europe/Berlin", // the end of the gap, and no time that is skipped
    "30 2 13 3 * America/New_York", // a day before it
    "55 6 1-7& * 2 UTC",
  ])("%s has none", (cron) => {
    expect(warn(cron)).toBe("");
  });
});

test("do-not-disturb over midnight", () => {
  const span = parseDoNotDisturb("22:00-07:00");
  expect(span).toBeDefined();
  if (span === undefined) return;
  const left = (at: string) => untilEnd(span, new Date(at), "Europe/Berlin");
  expect(left("2026-11-23T05:55:00Z")).toBe(5 * 60_000);
  expect(left("2026-11-23T06:00:00Z")).toBeUndefined();
  expect(left("2026-11-23T21:00:00Z")).toBe(9 * 3_600_000);
  // The nights of both changes: an hour shorter, an hour longer.
  expect(left("2027-03-27T23:00:00Z")).toBe(6 * 3_600_000);
  expect(left("2027-10-30T22:00:00Z")).toBe(8 * 3_600_000);
  expect(left("2027-03-28T04:50:00Z")).toBe(10 * 60_000);
  expect(parseDoNotDisturb("22:00")).toBeUndefined();
  expect(parseDoNotDisturb("7:00-7:00")).toBeUndefined();
});
