import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "@internal/test/cli";
import { describe, expect, test } from "vitest";
import type { FakePagerDuty, FakePagerDutyOptions } from "../src/fake.ts";
import {
  createTester,
  loadConfig,
  PagerDutyClient,
  type Run,
  type TesterEvent,
} from "../src/index.ts";
import { startHook } from "./hooks.ts";
import { cronOfNow, environment, folderWith, from, startAccount, token } from "./world.ts";

interface World {
  fake: FakePagerDuty;
  folder: string;
  events: TesterEvent[];
  once(): Promise<Run[]>;
}

/** A tester over HTTP against a fake; `people` are due now unless they say otherwise. */
async function world(
  people: string,
  options: FakePagerDutyOptions = {},
  settings = "",
): Promise<World> {
  const fake = await startAccount(options);
  const text = `verifyMinutes: 0.03\npollSeconds: 0.2\nlistLagSeconds: 0.2\nratePerMinute: 600\n${settings}\nusers:\n${people.replaceAll("NOW", cronOfNow())}\n`;
  const folder = folderWith({ "c.yaml": text });
  const events: TesterEvent[] = [];
  return {
    fake,
    folder,
    events,
    once: async () => {
      const config = await loadConfig(join(folder, "c.yaml"), { env: environment(fake) });
      const client = new PagerDutyClient({ token, from, apiUrl: fake.url });
      const tester = createTester({
        config,
        client,
        from,
        journal: join(folder, "journal"),
        onEvent: (event) => events.push(event),
      });
      return tester.runOnce({ signal: AbortSignal.timeout(30_000) });
    },
  };
}

const ada = '  - { name: Ada, id: PADA, cron: "NOW" }';
const verdicts = (runs: Run[]) => runs.map(({ outcome }) => outcome?.verdict);

describe.concurrent("verdicts end to end", () => {
  const cases: [string, FakePagerDutyOptions, string, number][] = [
    ["answers", { users: [{ id: "PADA", answer: { after: 0 } }] }, "pass", 1],
    ["never answers", { users: [{ id: "PADA", answer: { after: "never" } }] }, "no-response", 1],
    [
      "another answers",
      { users: [{ id: "PADA", answer: { after: 0, by: "PBOB" } }] },
      "wrong-person",
      1,
    ],
    ["the carrier fails", { users: [{ id: "PADA", delivery: "failed" }] }, "not-notified", 0],
    [
      "the sender is tested",
      { users: [{ id: "PADA", email: "TESTER@example.com" }] },
      "self-assigned",
      0,
    ],
  ];
  test.for(cases)("%s", async ([, options, verdict, pages]) => {
    const { fake, once } = await world(ada, options);
    if (verdict === "self-assigned") expect(fake.incidents).toEqual([]);
    expect(verdicts(await once())).toEqual([verdict]);
    expect(fake.pages).toHaveLength(pages);
    expect(fake.incidents.every(({ status }) => status === "resolved")).toBe(true);
  });

  test("a person in a real incident is skipped, and it stays as it is", async () => {
    const { fake, once } = await world(ada, {
      users: [{ id: "PADA", answer: { after: "never" } }],
    });
    const client = new PagerDutyClient({ token, from, apiUrl: fake.url });
    await client.createIncident({ title: "real", serviceId: "PTEST", userId: "PADA", key: "real" });
    const [run] = await once();
    expect(run?.outcome).toMatchObject({
      verdict: "skipped",
      reason: expect.stringMatching(/real incident/),
    });
    expect(fake.incidents.map(({ status }) => status)).toEqual(["triggered"]);
  });
});

test("left-over incidents of ours are resolved at the start, and no others", async () => {
  const { fake, events, once } = await world(
    '  - { name: Ada, id: PADA, cron: "0 0 29 2 * UTC" }',
    {
      users: [{ id: "PADA", answer: { after: "never" } }],
    },
  );
  const client = new PagerDutyClient({ token, from, apiUrl: fake.url });
  const open = (key: string) =>
    client.createIncident({ title: key, serviceId: "PTEST", userId: "PADA", key });
  await open("pagerduty-tester:PADA:2026-01-01T00:00Z");
  await open("somebody-else");
  expect(await once()).toEqual([]);
  expect(fake.incidents.map(({ key, status }) => [key, status])).toEqual([
    ["pagerduty-tester:PADA:2026-01-01T00:00Z", "resolved"],
    ["somebody-else", "triggered"],
  ]);
  expect(events.map(({ type }) => type)).toContain("cleaned-up");
});

test("a no-response escalates once, through a second start, without the address in the journal", async () => {
  const secret = "hook-secret";
  const { url, received } = await startHook(`/${secret}`);
  const { folder, once } = await world(
    ada,
    { users: [{ id: "PADA", answer: { after: "never" } }] },
    `escalation: { webhook: "${url}" }`,
  );
  await once();
  await once();
  expect(received.map(({ body }) => body)).toEqual([
    expect.objectContaining({ verdict: "no-response", user: { id: "PADA", name: "Ada" } }),
  ]);
  expect(readFileSync(join(folder, "journal"), "utf8")).not.toContain(secret);
});

test("what passed while nothing ran: the last one is made up for, the others are missed", async () => {
  const { fake, folder, once } = await world('  - { name: Ada, id: PADA, cron: "* * * * * UTC" }', {
    users: [{ id: "PADA", answer: { after: 0 } }],
  });
  const minute = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 3 * 60_000).toISOString();
  const key = `pagerduty-tester:PADA:${minute.slice(0, 16)}Z`;
  const planned = {
    event: "planned",
    key,
    user: { id: "PADA", name: "Ada" },
    service: "PTEST",
    scheduledAt: minute,
    at: minute,
  };
  writeFileSync(join(folder, "journal"), `${JSON.stringify(planned)}\n`);
  const runs = await once();
  expect(verdicts(runs).filter((verdict) => verdict === "missed").length).toBeGreaterThanOrEqual(3);
  expect(verdicts(runs).filter((verdict) => verdict === "pass")).toHaveLength(1);
  expect(fake.pages).toHaveLength(1);
});

test("a torn last line is cut off; a broken one elsewhere is named", async () => {
  const { folder, once } = await world(ada, { users: [{ id: "PADA", answer: { after: 0 } }] });
  const file = join(folder, "journal");
  writeFileSync(file, '{"event":"pla');
  expect(verdicts(await once())).toEqual(["pass"]);
  expect(readFileSync(file, "utf8")).toMatch(/^\{"event":"planned"/);
  appendFileSync(file, "no json\n");
  await expect(once()).rejects.toThrow(/journal:\d+: this line is no journal record/);
});

test("two replicas with a journal each, at the same moment: one page", async () => {
  const fake = await startAccount({ users: [{ id: "PADA", answer: { after: 0.2 } }] });
  const text = `verifyMinutes: 0.1\npollSeconds: 0.2\nlistLagSeconds: 0.2\nusers:\n${ada.replace("NOW", cronOfNow())}\n`;
  const results = await Promise.all(
    [1, 2].map(() =>
      runCli("pagerduty-tester", ["run", "--once", "-c", "c.yaml"], {
        cwd: folderWith({ "c.yaml": text }),
        env: environment(fake),
      }),
    ),
  );
  expect(results.map(({ code }) => code)).toEqual([0, 0]);
  expect(fake.pages).toHaveLength(1);
});

test("report: table, JSON in its promised shape, and a page by itself", async () => {
  const { folder, once } = await world(ada, { users: [{ id: "PADA", answer: { after: 0 } }] });
  await once();
  const { stdout, code } = await runCli(
    "pagerduty-tester",
    [
      "report",
      "--journal",
      "journal",
      "--format",
      "text",
      "--format",
      "json=r.json",
      "--format",
      "html=r.html",
    ],
    { cwd: folder },
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/Ada\s+\S+Z\s+pass/);
  const { runs } = JSON.parse(readFileSync(join(folder, "r.json"), "utf8"));
  expect(runs).toEqual([
    expect.objectContaining({
      user: { id: "PADA", name: "Ada" },
      scheduledAt: expect.stringMatching(/Z$/),
      incident: {
        id: expect.any(String),
        url: expect.stringMatching(/^https:\/\/acme\.pagerduty\.com/),
      },
      verdict: "pass",
      evidence: expect.arrayContaining([expect.any(String)]),
    }),
  ]);
  const page = readFileSync(join(folder, "r.html"), "utf8");
  expect(page).toMatch(/<a class="v good"[^>]*>pass/);
  expect(page).toMatch(/1 of 1 runs passed/);
  expect(page).not.toMatch(/<script|<link|src=/);
});
