import { join } from "node:path";
import { runCli } from "@internal/test/cli";
import { describe, expect, test } from "vitest";
import { checkAccount } from "../src/check/check.ts";
import type { FakePagerDutyOptions } from "../src/fake.ts";
import { loadConfig, PagerDutyClient } from "../src/index.ts";
import { environment, folderWith, from, startAccount, token } from "./world.ts";

const now = new Date("2026-11-25T12:00:00Z");
const ada = '  - { name: Ada, id: PADA, cron: "55 6 * * 2#1 UTC" }';

interface Given {
  /** The key of an incident that is open already. */
  open?: string;
  account?: FakePagerDutyOptions;
  settings?: string;
  people?: string;
}

/** All findings as lines, `severity subject: message`, of an account in which one person is tested. */
async function findings({
  open,
  account = {},
  settings = "",
  people = ada,
}: Given): Promise<string[]> {
  const fake = await startAccount({ users: [{ id: "PADA" }], ...account });
  const folder = folderWith({ "c.yaml": `${settings}\nusers:\n${people}\n` });
  const config = await loadConfig(join(folder, "c.yaml"), { env: environment(fake) });
  const client = new PagerDutyClient({ token, from, apiUrl: fake.url });
  if (open !== undefined) {
    await client.createIncident({ title: "t", serviceId: "PTEST", userId: "PADA", key: open });
  }
  const report = await checkAccount(config, client, from, now, AbortSignal.timeout(60_000));
  expect(fake.incidents.filter(({ key }) => key.startsWith("pagerduty-tester"))).toEqual([]);
  return report.findings.map(
    ({ severity, subject, message }) => `${severity} ${subject.replace(folder, "")}: ${message}`,
  );
}

const phone = { id: "ph", type: "phone_contact_method" };
const rule = (delayMinutes: number, urgency: "high" | "low" = "high", contactMethodId = "ph") => ({
  ...{ id: "r", urgency, delayMinutes, contactMethodId },
});
const withUser = (user: object): Given => ({ account: { users: [{ id: "PADA", ...user }] } });
const withService = (service: object): Given => ({
  account: { users: [{ id: "PADA" }], services: [{ id: "PTEST", ...service }] },
});
const denied = (path: string): Given => ({
  account: {
    users: [{ id: "PADA" }],
    faults: [{ method: "GET", path, status: 403, times: 99 }],
  },
});

describe("what check finds, pages nobody", () => {
  test("a good account has nothing but ok", async () => {
    const lines = await findings({});
    expect(lines.filter((line) => !line.startsWith("ok "))).toEqual([]);
    expect(lines.join("\n")).toMatch(
      /ok api: http:.* knows the token\nok from: tester@example.com is a user[\s\S]*ok service PTEST .*: takes incidents\nok escalation policy PTESTEP .*: is of service PTEST alone\nok Ada \(PADA\): can be paged/,
    );
  });

  const windowAt = (start: string, end: string): Given => ({
    account: {
      users: [{ id: "PADA" }],
      maintenanceWindows: [
        { id: "W", serviceIds: ["PTEST"], start: new Date(start), end: new Date(end) },
      ],
    },
  });
  const cases: [string, Given, RegExp][] = [
    [
      "a disabled service",
      withService({ status: "disabled" }),
      /^error service PTEST .*: is disabled/m,
    ],
    [
      "maintenance now",
      withService({ status: "maintenance" }),
      /^warning service PTEST .*maintenance now/m,
    ],
    [
      "maintenance over the next page",
      windowAt("2026-12-01T06:00:00Z", "2026-12-01T07:00:00Z"),
      /^error service PTEST .*in maintenance from 2026-12-01T06.* when 1 coming pages fall/m,
    ],
    [
      "maintenance over the one after",
      windowAt("2027-01-05T06:00:00Z", "2027-01-05T07:00:00Z"),
      /^error service PTEST .*in maintenance from 2027-01-05/m,
    ],
    [
      "it resolves too soon",
      withService({ autoResolveTimeout: 60 }),
      /^error .*resolves incidents after 60 s/m,
    ],
    [
      "it pages again at once",
      withService({ acknowledgementTimeout: 600 }),
      /^warning .*pages again 600 s after an acknowledgement, while the test goes on/m,
    ],
    [
      "an escalation policy that others have",
      {
        account: {
          users: [{ id: "PADA" }],
          services: [{ id: "PTEST" }, { id: "PROD", escalationPolicy: "PTESTEP" }],
        },
      },
      /^warning escalation policy PTESTEP .*is also of PROD/m,
    ],
    [
      "no such service",
      { people: ada.replace(" }", ", service: PNONE }") },
      /^error service PNONE: .*no such thing/m,
    ],
    ["a stakeholder", withUser({ role: "read_only_user" }), /^error Ada .*cannot acknowledge/m],
    ["an invitation", withUser({ invited: true }), /^warning Ada .*not accepted the invitation/m],
    ["no contact", withUser({ contactMethods: [] }), /^error Ada .*no usable contact method/m],
    [
      "contacts that are off or blocked",
      withUser({
        contactMethods: [
          { ...phone, enabled: false },
          { ...phone, blacklisted: true },
        ],
      }),
      /^warning Ada .*blocked at the carrier\nerror Ada .*no usable contact method/m,
    ],
    [
      "email alone",
      withUser({
        contactMethods: [{ id: "ph", type: "email_contact_method" }],
        notificationRules: [rule(0)],
      }),
      /^warning Ada .*by email alone/m,
    ],
    [
      "no rule",
      withUser({ notificationRules: [] }),
      /^error Ada .*no high-urgency notification rule/m,
    ],
    [
      "rules for low urgency alone",
      withUser({ contactMethods: [phone], notificationRules: [rule(0, "low")] }),
      /^error Ada .*no high-urgency notification rule/m,
    ],
    [
      "a rule for a phone that is gone",
      withUser({ contactMethods: [phone], notificationRules: [rule(0, "high", "gone")] }),
      /^error Ada .*no high-urgency notification rule/m,
    ],
    [
      "a delay",
      withUser({ contactMethods: [phone], notificationRules: [rule(5)] }),
      /^warning Ada .*first notified 5 min after/m,
    ],
    [
      "a delay longer than the test",
      withUser({ contactMethods: [phone], notificationRules: [rule(20)] }),
      /^error Ada .*after the test has ended; raise verifyMinutes/m,
    ],
    [
      "the sender is tested",
      withUser({ email: "Tester@Example.com" }),
      /^error Ada .*is who incidents are created as/m,
    ],
    [
      "nobody of that id",
      { people: ada.replace("PADA", "PGONE") },
      /^error Ada \(PGONE\): PagerDuty knows no such thing/m,
    ],
    [
      "a schedule at a time that is skipped",
      { people: ada.replace("55 6 * * 2#1 UTC", "30 2 14 3 * America/New_York") },
      /^warning .*c\.yaml:3:28: Ada: asks for a time from 2027-03-14 02:00/m,
    ],
    [
      "two kinds of days",
      { people: ada.replace("55 6 * * 2#1", "55 6 1-7 * 2") },
      /^warning .*Ada: fires on days 1-7 of the month and also on every weekday 2/m,
    ],
    [
      "never",
      { people: ada.replace("55 6 * * 2#1", "55 6 30 2 *") },
      /^warning .*Ada: this schedule never fires/m,
    ],
    [
      "outside do-not-disturb",
      { people: ada.replace(" }", ', doNotDisturb: "22:00-06:00" }') },
      /^error Ada .*page of 2026-12-01T06:55:00Z would go out outside doNotDisturb/m,
    ],
    [
      "in the middle of the night",
      { people: ada.replace("55 6", "30 6").replace(" }", ', doNotDisturb: "22:00-07:00" }') },
      /^error Ada .*would go out 30 min before doNotDisturb ends; 15 minutes are enough/m,
    ],
    [
      "the end of a long queue",
      {
        people: Array.from({ length: 40 }, (_, index) =>
          ada.replace(" }", ', doNotDisturb: "22:00-07:00" }').replace("Ada", `Ada${index}`),
        )
          .map((line, index) => line.replace("PADA", `PADA${index}`))
          .join("\n"),
      },
      /^error Ada39 .*would go out 6 min late, behind others on PTEST, and be dropped/m,
    ],
    [
      "real incidents on the test service",
      { open: "disk full", account: { users: [{ id: "PADA", answer: { after: "never" } }] } },
      /^warning service PTEST: has 1 open incidents that are no tests/m,
    ],
    [
      "a team's member who is forgotten",
      { settings: "roster: { teams: [PTEAM] }", account: { teams: { PTEAM: ["PADA", "PBOB"] } } },
      /^error team PTEAM: PBOB \(PBOB\) is not tested/m,
    ],
    [
      "a policy's member, on it or on its schedule",
      {
        settings: "roster: { escalationPolicies: [PPOL] }",
        account: {
          users: [{ id: "PADA" }, { id: "PCAT", name: "Cat" }],
          escalationPolicies: { PPOL: ["PADA", "PBOB", "PSCHED"] },
          schedules: { PSCHED: ["PADA", "PCAT"] },
        },
      },
      /^error .*PPOL: PBOB .*not tested\nerror .*PPOL: Cat \(PCAT\) is not tested/m,
    ],
    [
      "a sender who is nobody",
      { ...denied("/users"), people: ada },
      /^warning from: tester@example.com was not found.*users\.read/m,
    ],
    ["no right to see people", denied("/users/PADA"), /^error Ada .*scopes/m],
    ["no right to see services", denied("/services"), /^error service PTEST.*scopes/m],
    [
      "no right to see incidents",
      denied("/incidents"),
      /^error incidents of service PTEST: .*scopes/m,
    ],
    [
      "no right to see policies",
      denied("/escalation_policies"),
      /^warning escalation policy PTESTEP: cannot be seen \(escalation_policies.read\)/m,
    ],
  ];
  test.for(cases)("%s", async ([, given, expected]) => {
    expect((await findings(given)).join("\n")).toMatch(expected);
  });
});

test("a limit that many people reach is waited for", async () => {
  const headers = { "ratelimit-limit": "960", "ratelimit-remaining": "0", "ratelimit-reset": "1" };
  const lines = await findings({
    account: {
      users: [{ id: "PADA" }],
      faults: [{ method: "GET", path: "/users/PADA", status: 429, headers, times: 2 }],
    },
  });
  expect(lines.at(-1)).toBe("ok Ada (PADA): can be paged");
});

test("the command shows the coming runs as they will go out, local and UTC, and exits 1 on an error", async () => {
  const fake = await startAccount({ users: [{ id: "PADA" }] });
  const people = ada.replace("2#1 UTC", "2#1 America/Los_Angeles");
  const cwd = folderWith({ "c.yaml": `users:\n${people}\n` });
  const args = ["check", "-c", "c.yaml", "--format", "text", "--format", "json=c.json"];
  const { code, stdout } = await runCli("pagerduty-tester", args, { cwd, env: environment(fake) });
  expect(code).toBe(0);
  const runs = [...stdout.matchAll(/^Ada +\w{3} (\S+ 06:55) America\/Los_Angeles +(\S+)$/gm)];
  expect(runs).toHaveLength(3);
  for (const [, local, utc] of runs) {
    const shown = new Date(utc ?? "").toLocaleString("sv-SE", { timeZone: "America/Los_Angeles" });
    expect(shown.slice(0, 16)).toBe(local);
  }
  expect(stdout).toContain(`time zone data ${process.versions["tz"]}`);
});

test("a token of the other region: one sentence, exit 2", async () => {
  const fake = await startAccount();
  const { code, stderr } = await runCli("pagerduty-tester", ["check", "-c", "c.yaml"], {
    cwd: folderWith({ "c.yaml": `users:\n${ada}\n` }),
    env: { ...environment(fake), PAGERDUTY_TOKEN: "of-another-region" },
  });
  expect(stderr).toMatch(/is PAGERDUTY_TOKEN right, and the account's region \(region: us or eu\)/);
  expect(code).toBe(2);
});
