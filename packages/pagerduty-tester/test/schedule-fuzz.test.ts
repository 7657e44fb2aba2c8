import { between, pick, type Random, randomOf } from "@internal/test/random";
import { describe, expect, test } from "vitest";
import { nextRuns } from "../src/index.ts";
import { latestRun, parseSchedule } from "../src/schedule/schedule.ts";
import { type Fields, type LocalDay, reckon, wallClock } from "./schedule-oracle.ts";

/** More by hand: `FUZZ_ROUNDS=1000 FUZZ_SEED=7 npx vitest run …`. */
const rounds = Number(process.env["FUZZ_ROUNDS"] ?? 20);
const seed = Number(process.env["FUZZ_SEED"] ?? 1);

/** Zones with every kind of change, and the months in which they have one. */
const windows: [string, string][] = [
  ["America/New_York", "2027-02-20"],
  ["America/New_York", "2027-10-20"],
  ["America/Los_Angeles", "2026-10-20"],
  ["America/St_Johns", "2028-03-01"],
  ["America/Santiago", "2027-03-20"], // midnight is repeated
  ["America/Santiago", "2027-08-20"], // midnight is skipped
  ["America/Havana", "2027-03-01"],
  ["America/Asuncion", "2026-09-20"],
  ["America/Nuuk", "2027-03-10"],
  ["Europe/Berlin", "2027-03-10"],
  ["Europe/Berlin", "2026-10-10"],
  ["Europe/London", "2028-03-10"],
  ["Europe/Dublin", "2027-10-10"],
  ["Africa/Cairo", "2027-04-15"],
  ["Africa/Cairo", "2026-10-15"],
  ["Africa/Casablanca", "2027-01-25"], // Ramadan
  ["Asia/Beirut", "2027-03-10"],
  ["Asia/Gaza", "2027-03-01"],
  ["Australia/Sydney", "2027-03-20"],
  ["Australia/Lord_Howe", "2027-03-20"], // half an hour
  ["Australia/Lord_Howe", "2027-09-20"],
  ["Pacific/Auckland", "2027-09-10"],
  ["Pacific/Chatham", "2027-03-20"],
  ["Pacific/Apia", "2011-12-10"], // a day is skipped
  ["Pacific/Norfolk", "2027-03-20"],
  ["Antarctica/Troll", "2027-03-10"], // two hours
  ["Asia/Kathmandu", "2027-01-01"],
  ["Asia/Kolkata", "2028-02-10"],
  ["UTC", "2028-02-10"],
];
const windowMs = 45 * 86_400_000;

/** A field of minutes, hours or months: its text, and the numbers it stands for. */
function numbers(random: Random, low: number, high: number, single: number) {
  const any = Array.from({ length: high - low + 1 }, (_, index) => index + low);
  const value = () => between(random, low, high);
  if (random() < single) return plain(value());
  switch (between(random, 0, 5)) {
    case 0:
      return { text: "*", values: any, fixed: false };
    case 1: {
      const list = [...new Set([value(), value(), value()])];
      return { text: list.join(","), values: list, fixed: list.length === 1 };
    }
    case 2: {
      const [from, to] = [value(), value()].toSorted((a, b) => a - b) as [number, number];
      const by = between(random, 2, 7);
      const values = any.filter((each) => each >= from && each <= to && (each - from) % by === 0);
      return { text: `${from}-${to}/${by}`, values, fixed: false };
    }
    case 3: {
      const by = between(random, 2, 13);
      return {
        text: `*/${by}`,
        values: any.filter((each) => (each - low) % by === 0),
        fixed: false,
      };
    }
    case 4: {
      const [from, to] = [value(), value()];
      const inside = (each: number) =>
        from <= to ? each >= from && each <= to : each >= from || each <= to;
      // Fugit's ranges go over the end.
      return from === to
        ? plain(from)
        : { text: `${from}-${to}`, values: any.filter(inside), fixed: false };
    }
    default: {
      const [from, by] = [value(), between(random, 2, 20)];
      const values = any.filter((each) => each >= from && (each - from) % by === 0);
      return { text: `${from}/${by}`, values, fixed: false };
    }
  }
}

const plain = (value: number) => ({ text: String(value), values: [value], fixed: true });

interface DayField {
  text: string;
  matches?: (day: LocalDay) => boolean;
}

function monthDays(random: Random): DayField {
  const day = between(random, 1, 31);
  const numeric = numbers(random, 1, 31, 0.5);
  return pick<DayField>(random, [
    { text: "*" },
    { text: "*" },
    { text: pick(random, ["L", "last", "-1"]), matches: (each) => each.day === each.length },
    { text: `L,${day}`, matches: (each) => each.day === each.length || each.day === day },
    numeric.text === "*"
      ? { text: "*" }
      : { text: numeric.text, matches: (each) => numeric.values.includes(each.day) },
    { text: `${day}-last`, matches: (each) => each.day >= day },
  ]);
}

const names = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const nth = ({ day }: LocalDay) => Math.ceil(day / 7);
const isLast = ({ day, length }: LocalDay) => day + 7 > length;

function weekdays(random: Random): DayField {
  const [day, other] = [between(random, 0, 6), between(random, 0, 6)];
  const [count, second] = [between(random, 1, 5), between(random, 1, 5)];
  const whole = names[day] as string;
  const name = pick(random, [whole, whole.slice(0, 3), whole.slice(0, 3).toUpperCase(), `${day}`]);
  return pick<DayField>(random, [
    { text: "*" },
    { text: name, matches: ({ weekday }) => weekday === day },
    { text: day === 0 ? "7" : name, matches: ({ weekday }) => weekday === day },
    { text: `${name}#${count}`, matches: (each) => each.weekday === day && nth(each) === count },
    {
      text: `${day}#${count},${other}#${second}`,
      matches: (each) =>
        (each.weekday === day && nth(each) === count) ||
        (each.weekday === other && nth(each) === second),
    },
    {
      text: `${name}#${pick(random, ["L", "last", "-1"])}`,
      matches: (each) => each.weekday === day && isLast(each),
    },
    {
      text: `${name}-${names[other]?.slice(0, 3)}`,
      matches: ({ weekday }) =>
        day <= other ? weekday >= day && weekday <= other : weekday >= day || weekday <= other,
    },
  ]);
}

function schedule(random: Random): { cron: string; fields: Fields } {
  const minute = numbers(random, 0, 59, 0.7);
  const hour = pick(random, [
    numbers(random, 0, 23, 0.5),
    // Where clocks are set.
    plain(between(random, 0, 3)),
    { text: "24", values: [0], fixed: true },
  ]);
  const month = pick(random, [
    { text: "*", values: [] },
    { text: "1-12", values: [] },
  ]);
  const days = monthDays(random);
  const week = weekdays(random);
  const both = random() < 0.3;
  const dayText = `${days.text}${both && random() < 0.5 ? "&" : ""}`;
  const weekText = `${week.text}${both && dayText === days.text ? "&" : ""}`;
  return {
    cron: `${minute.text} ${hour.text} ${dayText} ${month.text} ${weekText}`,
    fields: {
      minutes: new Set(minute.values),
      hours: new Set(hour.values),
      months: new Set(Array.from({ length: 12 }, (_, index) => index + 1)),
      ...(days.matches && { monthDay: days.matches }),
      ...(week.matches && { weekday: week.matches }),
      both,
      fixed: minute.fixed && hour.fixed,
    },
  };
}

const most = 40;

describe(`random schedules agree with the wall clock (seed ${seed}, ${rounds} a window)`, () => {
  test.for(windows.map(([zone, day], index) => ({ zone, day, index })))(
    "$zone, 45 days from $day",
    ({ zone, day, index }) => {
      const start = Date.parse(day);
      const clock = wallClock(zone, start, start + windowMs);
      const random = randomOf(seed * 1000 + index);
      for (let round = 0; round < rounds; round += 1) {
        const { cron, fields } = schedule(random);
        // The window's first day is not whole.
        const from = start + between(random, 1440, 20 * 1440) * 60_000;
        const expected = reckon(clock, fields);
        const after = expected.filter((at) => at > from).slice(0, most);
        const told = nextRuns(`${cron} ${zone}`, { from: new Date(from), count: most })
          .map((at) => at.getTime())
          .filter((at) => at < start + windowMs - 86_400_000);
        const about = `${cron} ${zone} from ${new Date(from).toISOString()}`;
        expect(told.map(iso), about).toEqual(
          after.filter((at) => at < start + windowMs - 86_400_000).map(iso),
        );
        const before = expected.findLast((at) => at <= from);
        if (before === undefined || before < start + 86_400_000) continue;
        const latest = latestRun(parseSchedule(cron, zone), new Date(from));
        expect(latest?.toISOString(), `the latest of ${about}`).toBe(iso(before));
      }
    },
  );
});

test("the reckoning tells a wrong one: a fixed time that is skipped, and one that runs twice", () => {
  const at = (cron: string, zone: string, day: string) => {
    const start = Date.parse(day);
    const clock = wallClock(zone, start, start + 4 * 86_400_000);
    const [minute = 0, hour = 0] = cron.split(" ").map(Number);
    const fields: Fields = {
      ...{ minutes: new Set([minute]), hours: new Set([hour]) },
      ...{ months: new Set([3, 10, 11]), fixed: true },
    };
    const told = nextRuns(`${cron} ${zone}`, { from: new Date(start), count: 3 });
    const right = reckon(clock, fields).map(iso).slice(0, 3);
    const wrong = reckon(clock, { ...fields, fixed: false })
      .map(iso)
      .slice(0, 3);
    return { told: told.map((run) => run.toISOString()), right, wrong };
  };
  for (const { told, right, wrong } of [
    at("30 2 * * *", "Europe/Berlin", "2027-03-26"),
    at("30 2 * * *", "Europe/Berlin", "2027-10-30"),
  ]) {
    expect(told).toEqual(right);
    expect(told).not.toEqual(wrong);
  }
});

const iso = (at: number): string => new Date(at).toISOString();
