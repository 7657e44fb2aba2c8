import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "@internal/test/cli";
import { describe, expect, test } from "vitest";
import { configJsonSchema } from "../src/config-json-schema.ts";
import { maxLatenessOf, nextStep } from "../src/decide.ts";
import { loadConfig } from "../src/index.ts";
import { createPacer } from "../src/pacer.ts";
import { predictSends } from "../src/predict.ts";
import { redact } from "../src/redact.ts";
import { environment, folderWith, startAccount } from "./world.ts";

const now = Date.parse("2026-12-01T14:55:00Z");
const limits = { listLagMs: 30_000, maxLatenessMs: 600_000 };
const scheduledAt = new Date(now);

describe("nextStep", () => {
  test("nothing was sent: send, until it is too late", () => {
    const run = { attempts: 0, doubtSince: undefined, scheduledAt };
    expect(nextStep(run, now, limits)).toEqual({ do: "send" });
    expect(nextStep(run, now + 600_000, limits)).toEqual({ do: "send" });
    expect(nextStep(run, now + 600_001, limits)).toMatchObject({
      do: "give-up",
      verdict: "missed",
    });
  });
  test("in doubt: wait for the lists, never send before", () => {
    const run = { attempts: 1, doubtSince: new Date(now), scheduledAt };
    expect(nextStep(run, now + 29_999, limits)).toEqual({ do: "wait", milliseconds: 1 });
    expect(nextStep(run, now + 30_000, limits)).toEqual({ do: "send" });
    expect(nextStep({ ...run, attempts: 3 }, now + 30_000, limits)).toMatchObject({
      verdict: "unknown",
    });
    expect(nextStep(run, now + 600_001, limits)).toMatchObject({ verdict: "unknown" });
  });
  test("a clock that was set back makes nobody wait for longer", () => {
    const run = { attempts: 1, doubtSince: new Date(now + 3_600_000), scheduledAt };
    expect(nextStep(run, now, limits)).toEqual({ do: "wait", milliseconds: 30_000 });
  });
});

test("the pacer lets no more than its number go in any minute", () => {
  const pacer = createPacer(6);
  const sent: number[] = [];
  for (let at = 0; sent.length < 30; at += pacer.waitMs(at)) {
    if (pacer.waitMs(at) > 0) continue;
    pacer.take(at);
    sent.push(at);
  }
  for (const at of sent) {
    expect(sent.filter((other) => other >= at && other < at + 60_000).length).toBeLessThanOrEqual(
      6,
    );
  }
  expect(sent.at(-1)).toBe(4 * 60_000);
});

test("a pause is not cut short by a shorter one, nor drawn out by a clock that is set back", () => {
  const pacer = createPacer(6);
  pacer.pause(1_000_000, 60_000);
  pacer.pause(1_001_000, 1_000);
  expect(pacer.waitMs(1_001_000)).toBe(59_000);
  expect(pacer.waitMs(1_001_000 - 3_600_000)).toBe(0);
});

const person = (index: number, more = "") =>
  `  - { name: P${index}, id: P${index}, cron: "55 6 * * 2#1 UTC"${more} }`;

test("sends are predicted, and those that come too late for do-not-disturb are errors", async () => {
  const users = Array.from({ length: 300 }, (_, index) =>
    person(index, ', doNotDisturb: "22:00-07:00"'),
  ).join("\n");
  const folder = folderWith({ "c.yaml": `service: PTEST\nusers:\n${users}\n` });
  const config = await loadConfig(join(folder, "c.yaml"), { env: {} });
  expect(maxLatenessOf(config.users[0]!, new Date("2026-12-01T06:55:00Z"))).toBe(5 * 60_000);
  const sends = predictSends(config.users, new Date(now - 86_400_000), 6);
  // Six at once, and then six each minute: five minutes of them before seven o'clock.
  const last = sends.at(-1);
  expect((last?.sendAt.getTime() ?? 0) - (last?.scheduledAt.getTime() ?? 0)).toBe(49 * 60_000);
  expect(sends.filter(({ problem }) => problem === undefined)).toHaveLength(30);
});

test("the schema that is shipped is the one that is checked", () => {
  const shipped = readFileSync(new URL("../config.schema.json", import.meta.url), "utf8");
  expect(JSON.parse(shipped)).toEqual(configJsonSchema());
});

test("redact", () => {
  const text = redact(
    "Token token=abc, Bearer xyz, s3cret, +1 (555) 010-0999, 2026-12-01 14:55, code 2002",
    ["s3cret"],
  );
  expect(text).toBe("Token token=***, Bearer ***, ***, ***, 2026-12-01 14:55, code 2002");
});

describe("check", () => {
  test("names what would spoil a test, and exits 1", async () => {
    const fake = await startAccount({
      services: [{ id: "PTEST", autoResolveTimeout: 60 }],
      users: [
        { id: "PGOOD" },
        {
          id: "PMAIL",
          contactMethods: [{ id: "m", type: "email_contact_method" }],
          notificationRules: [{ id: "r", urgency: "high", delayMinutes: 30, contactMethodId: "m" }],
        },
        { id: "PVIEW", role: "read_only_user" },
        { id: "PNONE", contactMethods: [] },
      ],
      teams: { PTEAM: ["PGOOD", "PNEW"] },
    });
    const ids = ["PGOOD", "PMAIL", "PVIEW", "PNONE", "PGONE", "PSENDER"];
    const users = ids
      .map((id) => `  - { name: ${id}, id: ${id}, cron: "55 6 * * 2#1 UTC" }`)
      .join("\n");
    const cwd = folderWith({ "c.yaml": `roster: { teams: [PTEAM] }\nusers:\n${users}\n` });
    const { code, stdout } = await runCli("pagerduty-tester", ["check", "-c", "c.yaml"], {
      cwd,
      env: environment(fake),
    });
    for (const line of [
      /ok +PGOOD \(PGOOD\) +can be paged/,
      /error +service PTEST .*resolves incidents after 60 s/,
      /warning +PMAIL .*by email alone/,
      /error +PMAIL .*first notified 30 min after the page, after the test has ended/,
      /error +PVIEW .*cannot acknowledge/,
      /error +PNONE .*no usable contact method/,
      /error +PGONE .*knows no such thing/,
      /error +PSENDER .*created as/,
      /error +team PTEAM +PNEW \(PNEW\) is not tested/,
      /time zone data \d{4}/,
    ])
      expect(stdout).toMatch(line);
    expect(code).toBe(1);
  });
});

describe("render", () => {
  test.for([
    ["deployment", "--replicas", "1", /strategy:\n {4}type: Recreate/],
    [
      "deployment",
      "--replicas",
      "2",
      /- kube-leader\n[\s\S]*--health-port\n *- "9090"\n[\s\S]*- pagerduty-tester\n[\s\S]*- :9090\n/,
    ],
  ] as const)("%s %s %s", async ([kind, option, value, expected]) => {
    const { code, stdout } = await runCli("pagerduty-tester", [
      "render",
      kind,
      "--image",
      "i:1",
      option,
      value,
    ]);
    expect(stdout).toMatch(expected);
    expect(stdout).toMatch(/kind: PersistentVolumeClaim/);
    expect(stdout).toMatch(/livenessProbe:\n +httpGet:\n +path: \/healthz\n +port: metrics/);
    expect(code).toBe(0);
  });
  test("cronjob", async () => {
    const { stdout } = await runCli("pagerduty-tester", ["render", "cronjob", "--image", "i:1"]);
    expect(stdout).toMatch(/kind: CronJob[\s\S]*concurrencyPolicy: Forbid[\s\S]*- --once/);
  });
});
