import fs, { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { dirname, join } from "node:path";
import { runCli, startProcess } from "@internal/test/cli";
import { describe, expect, test } from "vitest";
import { openJournal, readJournal } from "../src/journal.ts";
import { simulate } from "./simulation.ts";
import { folderWith } from "./world.ts";

const at = "2026-12-01T09:00:00.000Z";
const plan = (key: string, name = "Ada") => ({
  ...{ event: "planned" as const, key, scheduledAt: at, service: "PTEST" },
  user: { id: "PADA", name },
});
const newFile = () => join(folderWith({}), "journal");

test("what is no regular file is refused, and no pipe is waited for", async () => {
  const folder = folderWith({});
  await startProcess("mkfifo", [join(folder, "pipe")]).ended;
  for (const file of ["pipe", ".", "/dev/null"]) {
    const { code, stderr } = await runCli("pagerduty-tester", ["report", "--journal", file], {
      cwd: folder,
      signal: AbortSignal.timeout(30_000),
    });
    expect(stderr).toBe(`pagerduty-tester: ${file}: the journal must be a regular file\n`);
    expect(code).toBe(2);
  }
});

describe("a line that this version cannot know is named, and never compacted away", () => {
  const planned = JSON.stringify({ ...plan("a"), at });
  const cases: [string, object][] = [
    ["an event of a later version", { event: "accepted", key: "a", at }],
    ["a verdict of a later version", outcome({ verdict: "half-answered" })],
    ["no instant", { event: "sending", key: "a" }],
    ["a broken instant", { ...plan("b"), at, scheduledAt: "tomorrow" }],
    ["no person", { ...plan("b"), at, user: undefined }],
    ["no outcome", { event: "verdict", key: "a", at, outcome: null }],
    ["no evidence", outcome({ evidence: undefined })],
    ["no incident", { event: "created", key: "a", at }],
  ];
  test.for(cases)("%s", ([, line]) => {
    const file = newFile();
    const text = `${planned}\n${JSON.stringify(line)}\n`;
    writeFileSync(file, text);
    const message = /journal:2: this line is no journal record, or one of a later version; mend it/;
    expect(() => openJournal(file, Date.now)).toThrow(message);
    expect(() => readJournal(file)).toThrow(message);
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  function outcome(change: object) {
    const right = { verdict: "pass", evidence: ["R1"] };
    return { event: "verdict", key: "a", at, outcome: { ...right, ...change } };
  }
});

test("fields that a later version adds are left alone", () => {
  const file = newFile();
  writeFileSync(file, `${JSON.stringify({ ...plan("a"), at, team: "blue" })}\n`);
  expect(readJournal(file).get("a")?.user).toEqual({ id: "PADA", name: "Ada" });
});

test("megabytes are read whole, whatever letters they have", () => {
  const file = newFile();
  const keys = Array.from({ length: 12_000 }, (_, index) => `k${index}`);
  const name = "Zoë Ågren-Łukasiewicz 東";
  const lines = keys.map((key) => `${JSON.stringify({ ...plan(key, name), at })}\n`);
  writeFileSync(file, lines.join(""));
  // Half a line, as a crash leaves it.
  appendFileSync(file, '{"event":"planned","key":"東');
  const journal = openJournal(file, Date.now);
  expect([...journal.runs.keys()]).toEqual(keys);
  journal.append(plan("last", name));
  expect(journal.runs.get("last")?.user.name).toBe(name);
  expect(readJournal(file).size).toBe(keys.length + 1);
});

test("a compaction does not lose what another process writes meanwhile", () => {
  const file = newFile();
  const [ours, theirs] = [openJournal(file, Date.now), openJournal(file, Date.now)];
  ours.append(plan("a"), { event: "dropped", key: "a" }, plan("b"));
  const { writeFileSync: write } = fs;
  const use = (replacement: typeof write) => {
    fs.writeFileSync = replacement;
    syncBuiltinESMExports();
  };
  use((...args) => {
    use(write);
    theirs.append(plan("c"));
    write(...args);
  });
  ours.compact(0);
  expect([...readJournal(file).keys()]).toEqual(["b", "c"]);
  ours.compact(0);
  expect([...readJournal(file).keys()]).toEqual(["b", "c"]);
  expect(readFileSync(file, "utf8")).not.toContain("dropped");
});

const daily = '  - { name: Ada, id: PADA, cron: "0 9 * * * UTC" }';

test("a daemon of months forgets what is older than keepDays", async () => {
  const world = await simulate("2026-12-01T08:00:00Z", daily, {
    settings: "keepDays: 2",
    users: [{ id: "PADA", answer: { after: 1 } }],
  });
  const { stop } = await world.start();
  await world.until("2026-12-08T10:00:00Z");
  await stop();
  const days = [...readJournal(join(dirname(world.config.file), "journal")).values()].map(
    ({ scheduledAt }) => scheduledAt.getUTCDate(),
  );
  expect(world.fake.pages).toHaveLength(8);
  expect(days).toEqual([6, 7, 8, 9]);
});

test("keepDays of ages keeps everything", async () => {
  const world = await simulate("2026-12-01T08:00:00Z", daily, {
    settings: "keepDays: 1e9",
    users: [{ id: "PADA", answer: { after: 1 } }],
  });
  const first = await world.start();
  await world.until("2026-12-01T10:00:00Z");
  await first.stop();
  const second = await world.start();
  await second.stop();
  const runs = readJournal(join(dirname(world.config.file), "journal"));
  expect([...runs.values()].map(({ outcome }) => outcome?.verdict)).toEqual(["pass", undefined]);
});
