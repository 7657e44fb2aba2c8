import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runCli, startCli } from "@internal/test/cli";
import { describe, expect, test } from "vitest";
import { cronOfNow, environment, folderWith, startAccount, token } from "./world.ts";

const quick = "verifyMinutes: 0.1\npollSeconds: 0.2\nlistLagSeconds: 1\nratePerMinute: 600\n";

function list(people: { name: string; id: string; cron?: string }[]): string {
  return people
    .map(({ name, id, cron = cronOfNow() }) => `- name: ${name}\n  id: ${id}\n  cron: "${cron}"\n`)
    .join("");
}

const full = (people: Parameters<typeof list>[0], settings = quick) =>
  `${settings}users:\n${list(people).replaceAll(/^/gm, "  ").trimEnd()}\n`;

describe.concurrent("the main job", () => {
  test("run --once pages everybody in the plain list, prints the addresses, and passes", async () => {
    const fake = await startAccount({
      users: [
        { id: "PADA", answer: { after: 0.1 } },
        { id: "PGRACE", answer: { after: 0.1 } },
      ],
    });
    const people = [
      { name: "Ada Lovelace", id: "PADA" },
      { name: "Grace Hopper", id: "PGRACE" },
    ];
    const cwd = folderWith({ "people.yaml": `# on call\n${list(people)}` });
    const args = ["run", "--once", "--config", "people.yaml"];
    const { code, stdout } = await runCli("pagerduty-tester", args, {
      cwd,
      env: environment(fake),
    });
    expect(stdout).toMatch(/Ada Lovelace: paged, https:\/\/acme\.pagerduty\.com\/incidents\/Q\d+/);
    expect(stdout).toMatch(/Grace Hopper: pass \(notified after/);
    expect(code).toBe(0);
    expect(fake.pages.map(({ userId }) => userId)).toEqual(["PADA", "PGRACE"]);
    expect(fake.incidents.map(({ title }) => title)).toContain(
      "Pagerduty Tester: Incident for Ada Lovelace, press resolve",
    );
    // A second start finds it done.
    const again = await runCli("pagerduty-tester", args, { cwd, env: environment(fake) });
    expect(again.code).toBe(0);
    expect(fake.pages).toHaveLength(2);
  });

  test("429 waits for the window and goes on", async () => {
    const fake = await startAccount({
      users: ["PA", "PB", "PC"].map((id) => ({ id, answer: { after: 0 } })),
      rateLimit: { limit: 1, seconds: 2 },
    });
    const cwd = folderWith({
      "c.yaml": full([
        { name: "A", id: "PA" },
        { name: "B", id: "PB" },
        { name: "C", id: "PC" },
      ]),
    });
    const { code } = await runCli("pagerduty-tester", ["run", "--once", "-c", "c.yaml"], {
      cwd,
      env: environment(fake),
    });
    expect(code).toBe(0);
    expect(fake.pages.map(({ userId }) => userId)).toEqual(["PA", "PB", "PC"]);
  });

  test("one person's failure stops nobody else, and the exit code tells", async () => {
    const fake = await startAccount({ users: [{ id: "PB", answer: { after: 0 } }] });
    const cwd = folderWith({
      "c.yaml": full([
        { name: "Gone", id: "PGONE" },
        { name: "B", id: "PB" },
      ]),
    });
    const { code, stdout } = await runCli("pagerduty-tester", ["run", "--once", "-c", "c.yaml"], {
      cwd,
      env: environment(fake),
    });
    expect(stdout).toMatch(/Gone: refused \(.*Assignee User Not Found \(status 400, code 1007\)/);
    expect(stdout).toMatch(/B: pass/);
    expect(code).toBe(1);
  });

  test("notify pages one person by name and waits for the verdict", async () => {
    const fake = await startAccount({ users: [{ id: "PADA", answer: { after: "never" } }] });
    const cwd = folderWith({ "c.yaml": full([{ name: "Ada", id: "PADA" }], `${quick}`) });
    const { code, stdout } = await runCli("pagerduty-tester", ["notify", "-c", "c.yaml", "Ada"], {
      cwd,
      env: environment(fake),
    });
    expect(stdout).toMatch(/Ada: no-response/);
    expect(code).toBe(1);
    expect(fake.incidents[0]?.status).toBe("resolved");
  });

  test("the daemon pages at the scheduled second and ends with 0 when asked to", async () => {
    const fake = await startAccount({ users: [{ id: "PADA", answer: { after: 0 } }] });
    const cwd = folderWith({
      "c.yaml": full(
        [{ name: "Ada", id: "PADA", cron: "*/3 * * * * * UTC" }],
        `${quick}catchUp: 0s\n`,
      ),
    });
    const daemon = startCli("pagerduty-tester", ["run", "-c", "c.yaml"], {
      cwd,
      env: environment(fake),
    });
    await daemon.printed(/Ada: pass/);
    daemon.kill("SIGTERM");
    expect((await daemon.ended).code).toBe(0);
    const keys = fake.pages.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("--dry-run says who is due and asks nothing", async () => {
    const fake = await startAccount();
    const cwd = folderWith({ "c.yaml": full([{ name: "Ada", id: "PADA" }]) });
    const { code, stdout } = await runCli(
      "pagerduty-tester",
      ["run", "--once", "--dry-run", "-c", "c.yaml"],
      { cwd, env: environment(fake) },
    );
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^Ada: would be paged for /),
    });
    expect(fake.requests).toEqual([]);
  });

  test("no byte of output or journal holds the token", async () => {
    const fake = await startAccount({
      users: [{ id: "PADA", answer: { after: 0 } }],
      faults: [
        {
          method: "POST",
          status: 401,
          body: {
            error: { message: `Bad token ${token}`, code: 2006, errors: ["call +1 555 010 0999"] },
          },
        },
      ],
    });
    const cwd = folderWith({ "c.yaml": full([{ name: "Ada", id: "PADA" }]) });
    const { stdout, stderr } = await runCli("pagerduty-tester", ["run", "--once", "-c", "c.yaml"], {
      cwd,
      env: { ...environment(fake), DEBUG: "pagerduty-tester" },
    });
    const everything =
      stdout + stderr + readFileSync(join(cwd, "pagerduty-tester.journal"), "utf8");
    expect(everything).toMatch(/Bad token \*\*\*/);
    expect(everything).not.toContain(token);
    // However it is spaced; a few digits of it alone may be an instant's.
    expect(everything.replaceAll(/\D/g, "")).not.toContain("5550100999");
  });
});

describe.concurrent("bad input is one sentence and exit 2", () => {
  const cases: [string, string | undefined, Record<string, string | undefined>, RegExp][] = [
    ["no file", undefined, {}, /c\.yaml: no such file/],
    ["an empty file", "", {}, /c\.yaml:1:1: expected a list of people, or users: with/],
    ["broken YAML", "- name: [", {}, /c\.yaml:1:\d+: no valid YAML/],
    [
      "a bad cron",
      '- name: A\n  id: PA\n  cron: "61 9 * * * UTC"\n',
      {},
      /c\.yaml:3:3: 0\.cron: "61 9 \* \* \* UTC": 61 is no minute/,
    ],
    ["a bad zone", '- name: A\n  id: PA\n  cron: "1 9 * * * PST"\n', {}, /PST is an abbreviation/],
    [
      "no token",
      full([{ name: "A", id: "PA" }]),
      { PAGERDUTY_TOKEN: undefined },
      /PAGERDUTY_TOKEN is not set/,
    ],
    [
      "no service",
      full([{ name: "A", id: "PA" }]),
      { SERVICE_ID: undefined },
      /no service for A; set service: in it, or SERVICE_ID/,
    ],
    [
      "a wrong token",
      full([{ name: "A", id: "PA" }]),
      { PAGERDUTY_TOKEN: "wrong" },
      /is PAGERDUTY_TOKEN right, and the account's region/,
    ],
    ...[
      ["FROM_EMAIL", "nobody", /FROM_EMAIL: expected the login email of a PagerDuty user/] as const,
      ["SERVICE_ID", "../x", /SERVICE_ID: expected PagerDuty's id, letters and digits/] as const,
      ["SUBDOMAIN", "acme.pagerduty.com", /SUBDOMAIN: expected ACME of https/] as const,
      ["PAGERDUTY_API_URL", "http://a:sesame@127.0.0.1:1", /has a user, a query or/] as const,
      ["PAGERDUTY_API_URL", "http://127.0.0.1:1/?k=sesame", /has a user, a query or/] as const,
    ].map(([name, value, message]): (typeof cases)[number] => [
      `${name}=${value}`,
      full([{ name: "A", id: "PA" }]),
      { [name]: value },
      message,
    ]),
    [
      "a duration that is none",
      `catchUp: soon\n${full([{ name: "A", id: "PA" }])}`,
      {},
      /c\.yaml:1:1: catchUp: expected minutes, or a duration such as 90s/,
    ],
    [
      "nobody there",
      full([{ name: "A", id: "PA" }]),
      { PAGERDUTY_API_URL: "http://127.0.0.1:1" },
      /connection refused/,
    ],
  ];
  test("the line's end of a secret made by echo is none of it", async () => {
    const fake = await startAccount({ users: [{ id: "PADA" }] });
    const cwd = folderWith({ "c.yaml": full([{ name: "Ada", id: "PADA" }]) });
    const lines = Object.entries(environment(fake)).map(([name, value]) => [name, `${value}\n`]);
    const { code, stdout } = await runCli("pagerduty-tester", ["check", "-c", "c.yaml"], {
      cwd,
      env: Object.fromEntries(lines),
    });
    expect(stdout).toMatch(/ok +from +tester@example.com is a user of the account/);
    expect(code).toBe(0);
  });

  test.for(cases)("%s", async ([, text, env, message]) => {
    const fake = await startAccount();
    const cwd = folderWith(text === undefined ? {} : { "c.yaml": text });
    const { code, stderr } = await runCli("pagerduty-tester", ["run", "--once", "-c", "c.yaml"], {
      cwd,
      env: { ...environment(fake), ...env },
    });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at |sesame/);
    expect(code).toBe(2);
  });
});
