import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { runCli } from "@internal/test/cli";
import { describe, expect, test } from "vitest";
import type { FakePagerDuty, FakePagerDutyOptions } from "../src/fake.ts";
import {
  createTester,
  loadConfig,
  PagerDutyClient,
  type Run,
  type Tester,
  type TesterEvent,
} from "../src/index.ts";
import { openJournal, readJournal } from "../src/journal.ts";
import { startHook } from "./hooks.ts";
import { cronOfNow, environment, folderWith, from, startAccount, token } from "./world.ts";

interface World {
  fake: FakePagerDuty;
  folder: string;
  events: TesterEvent[];
  tester(journal?: string): Promise<Tester>;
  once(journal?: string): Promise<Run[]>;
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
  const tester = async (journal = "journal") =>
    createTester({
      config: await loadConfig(join(folder, "c.yaml"), { env: environment(fake) }),
      client: new PagerDutyClient({ token, from, apiUrl: fake.url }),
      from,
      journal: join(folder, journal),
      onEvent: (event) => events.push(event),
    });
  return {
    fake,
    folder,
    events,
    tester,
    once: async (journal) =>
      (await tester(journal)).runOnce({ signal: AbortSignal.timeout(30_000) }),
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

test("a tester does one thing at a time, and the next one when that is done", async () => {
  const { fake, tester } = await world(ada, { users: [{ id: "PADA", answer: { after: 0 } }] });
  const ours = await tester();
  const signal = AbortSignal.timeout(20_000);
  const first = ours.runOnce({ signal });
  await expect(ours.runOnce({ signal })).rejects.toThrow(/this tester is at work/);
  expect(verdicts(await first)).toEqual(["pass"]);
  expect(await ours.runOnce({ signal })).toEqual([]);
  expect(fake.pages).toHaveLength(1);
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
  // A tester of other people may have the same service, and wait for this one.
  await open("pagerduty-tester:PBOB:2026-01-01T00:00Z");
  await open("somebody-else");
  expect(await once()).toEqual([]);
  expect(fake.incidents.map(({ key, status }) => [key, status])).toEqual([
    ["pagerduty-tester:PADA:2026-01-01T00:00Z", "resolved"],
    ["pagerduty-tester:PBOB:2026-01-01T00:00Z", "triggered"],
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

test("a journal keeps what it says through compaction, and forgets settled runs of long ago", () => {
  const folder = folderWith({});
  const file = join(folder, "journal");
  const now = Date.parse("2026-12-01T10:00:00Z");
  const journal = openJournal(file, () => now);
  const plan = (key: string, scheduledAt: string) =>
    journal.append({
      ...{ event: "planned", key, scheduledAt, service: "PTEST" },
      user: { id: "PADA", name: "Ada" },
    });
  const incident = (id: string) => ({
    ...{ id, url: "https://acme.pagerduty.com/incidents/Q", verifyMs: 900_000 },
    ...{ createdAt: "2026-12-01T09:00:00.000Z", sentAt: "2026-12-01T09:00:00.000Z" },
  });
  const verdict = (key: string) =>
    journal.append({ event: "verdict", key, outcome: { verdict: "pass", evidence: ["R1"] } });
  plan("old", "2025-01-07T09:00:00.000Z");
  verdict("old");
  plan("old and open", "2025-01-07T09:00:00.000Z");
  journal.append({ event: "sending", key: "old and open" });
  plan("done", "2026-12-01T09:00:00.000Z");
  for (let attempt = 0; attempt < 3; attempt += 1) {
    journal.append({ event: "sending", key: "done" });
    if (attempt < 2) journal.append({ event: "not-accepted", key: "done" });
  }
  journal.append({ event: "created", key: "done", incident: incident("Q1") });
  verdict("done");
  journal.append({ event: "resolved", key: "done" });
  plan("in doubt", "2026-12-01T09:00:00.000Z");
  for (let attempt = 0; attempt < 2; attempt += 1) {
    journal.append({ event: "sending", key: "in doubt" });
  }
  plan("to come", "2026-12-02T09:00:00.000Z");
  const facts = () =>
    [...readJournal(file)].map(([key, run]) => [
      key,
      run.outcome?.verdict,
      run.doubtSince,
      run.incident?.id,
      run.resolved,
    ]);
  const before = facts().filter(([key]) => key !== "old");
  const size = readFileSync(file, "utf8").length;
  journal.compact(Date.parse("2026-01-01T00:00:00Z"));
  expect(facts()).toEqual(before);
  expect(readFileSync(file, "utf8").length).toBeLessThan(size);
  expect(readJournal(file).get("in doubt")?.attempts).toBe(2);
  // One that is open before and after has the file as it is now.
  journal.append({ event: "dropped", key: "to come" });
  expect([...openJournal(file, () => now).runs.keys()]).toEqual([
    "old and open",
    "done",
    "in doubt",
  ]);
});

test("only its owner may read a journal: a new one, one that was copied here, one that was compacted", () => {
  const file = join(folderWith({}), "journal");
  const modeOf = (path: string) => statSync(path).mode & 0o777;
  const journal = openJournal(file, Date.now);
  journal.append({ event: "dropped", key: "a" });
  expect(modeOf(file)).toBe(0o600);
  journal.compact(Date.now());
  expect(modeOf(file)).toBe(0o600);
  chmodSync(file, 0o644);
  openJournal(file, Date.now);
  expect(modeOf(file)).toBe(0o600);
});

test("a process that has the journal open goes on with what another compacted", () => {
  const file = join(folderWith({}), "journal");
  const [ours, theirs] = [openJournal(file, Date.now), openJournal(file, Date.now)];
  const plan = (key: string) => ({
    ...{ event: "planned" as const, key, scheduledAt: new Date().toISOString(), service: "P" },
    user: { id: "PADA", name: "Ada" },
  });
  ours.append(plan("a"), { event: "dropped", key: "a" }, plan("b"));
  theirs.refresh();
  ours.compact(0);
  theirs.append(plan("c"));
  ours.refresh();
  expect([...ours.runs.keys()]).toEqual(["b", "c"]);
  expect([...theirs.runs.keys()]).toEqual(["b", "c"]);
});

test("a journal that cannot be written stops every page", async () => {
  const { fake, folder, once } = await world(ada, { users: [{ id: "PADA" }] });
  mkdirSync(join(folder, "journal"));
  await expect(once()).rejects.toThrow(/journal: the journal must be a regular file/);
  await expect(once("nowhere/journal")).rejects.toThrow(
    /nowhere\/journal: the journal cannot be written \(ENOENT\); without it nobody is paged/,
  );
  expect(fake.incidents).toEqual([]);
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

test.each(["runOnce", "run"] as const)(
  "a journal that cannot be written any more ends %s with the reason, it does not hang",
  async (how) => {
    const { fake, folder, tester } = await world(ada, {
      users: [{ id: "PADA", answer: { after: "never" } }],
    });
    const file = join(folder, "journal");
    const subject = await tester();
    const signal = AbortSignal.timeout(60_000);
    const ended = how === "run" ? subject.run({ signal }) : subject.runOnce({ signal });
    const outcome = expect(ended).rejects.toThrow(/journal: the journal c/);
    await expect.poll(() => fake.pages.length, { timeout: 20_000 }).toBe(1);
    rmSync(file);
    mkdirSync(file);
    await outcome;
    expect(signal.aborted).toBe(false);
  },
);

describe("two replicas with a journal each, at the same moment", () => {
  // Without kube-leader, and without the volume that both have.
  async function both(switches: NonNullable<FakePagerDutyOptions["switches"]>) {
    const first = await world(ada, {
      users: [{ id: "PADA", answer: { after: 1 } }],
      switches,
      // Both have looked, and found nothing, before either is let in.
      faults: [{ method: "POST", delayMs: 400, times: 2 }],
    });
    await Promise.all([first.once(), first.once("another journal")]);
    return first.fake.pages.length;
  }

  test("one page rings where PagerDuty tells two requests with one key apart", async () => {
    expect(await both({})).toBe(1);
  });

  test("where it does not the guarantee ends, as the README says, and the count shows it", async () => {
    expect(await both({ atomicDedup: false })).toBe(2);
  });
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
