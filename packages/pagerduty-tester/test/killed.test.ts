import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CliResult, runCli, startCli } from "@internal/test/cli";
import { startFaultProxy } from "@internal/test/fault-proxy";
import { describe, expect, test } from "vitest";
import type { FakePagerDuty, FakePagerDutyOptions } from "../src/fake.ts";
import { cronOfNow, environment, folderWith, startAccount } from "./world.ts";

const args = ["run", "--once", "-c", "c.yaml"];

interface Scene {
  fake: FakePagerDuty;
  cwd: string;
  env: Record<string, string>;
}

/** One person who is due and acknowledges at once; PagerDuty's lists are configured to lag by at most 0.4 s. */
async function scene(options: FakePagerDutyOptions = {}): Promise<Scene> {
  const fake = await startAccount({
    users: [{ id: "PADA", answer: { after: 0.05, action: "acknowledge" } }],
    ...options,
  });
  const cwd = folderWith({
    "c.yaml": `verifyMinutes: 0.1
pollSeconds: 0.2
listLagSeconds: 0.4
ratePerMinute: 600
users:
  - { name: Ada, id: PADA, cron: "${cronOfNow()}" }
`,
  });
  return { fake, cwd, env: environment(fake) };
}

/** Runs to the end; then exactly one page must have rung, and nothing be left open. */
async function expectOnePage({ fake, cwd, env }: Scene): Promise<CliResult> {
  const result = await runCli("pagerduty-tester", args, { cwd, env });
  expect(fake.pages, result.stdout + result.stderr).toHaveLength(1);
  expect(fake.incidents.filter(({ status }) => status !== "resolved")).toEqual([]);
  return result;
}

/** Kills the process at its n-th request; false when it ended before. */
async function killAtRequest(
  { fake, cwd, env }: Scene,
  n: number,
  moment: "beforeForward" | "afterApplied",
): Promise<boolean> {
  await using proxy = await startFaultProxy(fake.url);
  let killed = false;
  proxy[moment] = (exchange) => {
    if (exchange.index !== n) return undefined;
    killed = true;
    child.kill("SIGKILL");
    return moment === "beforeForward" ? { kind: "cut-before" } : { kind: "cut-after" };
  };
  const child = startCli("pagerduty-tester", args, {
    cwd,
    env: { ...env, PAGERDUTY_API_URL: proxy.url },
  });
  await child.ended;
  return killed;
}

// The least that a run takes is eight; a slow machine looks at the log more often.
const fewest = 8;
const requests = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

describe.concurrent("killed at a request, at most one page rings", () => {
  for (const moment of ["beforeForward", "afterApplied"] as const) {
    test.for(requests)(`${moment}, request %d`, async (n) => {
      const world = await scene();
      const killed = await killAtRequest(world, n, moment);
      if (n <= fewest) expect(killed).toBe(true);
      expect((await expectOnePage(world)).code).toBe(0);
    });
  }
});

const writes = [1, 2, 3, 4, 5];

describe.concurrent("killed at a write of the journal, at most one page rings", () => {
  const preload = fileURLToPath(new URL("kill-at-write.ts", import.meta.url));
  const killAtWrite = ({ cwd, env }: Scene, at: string) =>
    runCli("pagerduty-tester", args, {
      cwd,
      env: { ...env, NODE_OPTIONS: `--import=${preload}`, KILL_AT: at },
    });

  for (const moment of ["before", "torn", "after"]) {
    test.for(writes)(`${moment}, write %d`, async (n) => {
      const world = await scene();
      expect((await killAtWrite(world, `${moment}:${n}`)).signal).toBe("SIGKILL");
      expect((await expectOnePage(world)).code).toBe(0);
    });
  }
});

/** Killed when the server had accepted the incident and the process did not know. */
async function killedAfterAccept(world: Scene): Promise<void> {
  await using proxy = await startFaultProxy(world.fake.url);
  proxy.afterApplied = ({ method }) => {
    if (method !== "POST") return undefined;
    child.kill("SIGKILL");
    return { kind: "cut-after" };
  };
  const child = startCli("pagerduty-tester", args, {
    cwd: world.cwd,
    env: { ...world.env, PAGERDUTY_API_URL: proxy.url },
  });
  await child.ended;
  expect(world.fake.pages).toHaveLength(1);
}

describe.concurrent("what nobody knows of PagerDuty for sure", () => {
  test("lists that lag less than configured: one page", async () => {
    const world = await scene({ switches: { listLagSeconds: 0.3 } });
    await killedAfterAccept(world);
    expect((await expectOnePage(world)).code).toBe(0);
  });

  test("two keys told apart too late: one page, for requests never overlap", async () => {
    const world = await scene({ switches: { atomicDedup: false } });
    await killedAfterAccept(world);
    expect((await expectOnePage(world)).code).toBe(0);
  });

  test("a lost journal: the look-up finds what was sent", async () => {
    const world = await scene();
    await killedAfterAccept(world);
    rmSync(join(world.cwd, "pagerduty-tester.journal"));
    expect((await expectOnePage(world)).code).toBe(0);
  });

  test("lists that lag longer than configured break the guarantee, and the count shows it", async () => {
    const world = await scene({
      users: [{ id: "PADA", answer: { after: 0, action: "resolve" } }],
      switches: { listLagSeconds: 600 },
    });
    await killedAfterAccept(world);
    await runCli("pagerduty-tester", args, { cwd: world.cwd, env: world.env });
    expect(world.fake.pages).toHaveLength(2);
  });

  test("accepted without a page: not-notified", async () => {
    const world = await scene({ switches: { acceptWithoutPage: true } });
    const result = await runCli("pagerduty-tester", args, { cwd: world.cwd, env: world.env });
    expect(result.stdout).toMatch(/Ada: not-notified/);
    expect(world.fake.pages).toEqual([]);
  });

  test("maintenance answered 400: refused, and nobody is paged later", async () => {
    const world = await scene({ services: [{ id: "PTEST", status: "maintenance" }] });
    const result = await runCli("pagerduty-tester", args, { cwd: world.cwd, env: world.env });
    expect(result.stdout).toMatch(/Ada: refused \(.*maintenance/);
    expect(world.fake.pages).toEqual([]);
  });

  test("a start during the wait of a 429 goes on with one page", async () => {
    const world = await scene({
      faults: [
        {
          method: "POST",
          status: 429,
          headers: { "ratelimit-limit": "6", "ratelimit-remaining": "0", "ratelimit-reset": "60" },
          body: { error: { message: "Rate Limit Exceeded", code: 2020 } },
        },
      ],
    });
    const first = startCli("pagerduty-tester", args, { cwd: world.cwd, env: world.env });
    await first.printed(/will try again/);
    first.kill("SIGKILL");
    await first.ended;
    expect((await expectOnePage(world)).code).toBe(0);
  });
});

describe.concurrent("faults of the API lead to one page", () => {
  const faults: [string, NonNullable<FakePagerDutyOptions["faults"]>[number]][] = [
    ["500", { method: "POST", status: 500, body: { error: { message: "Internal", code: 2000 } } }],
    ["503 without a body", { method: "POST", status: 503 }],
    ["408", { method: "POST", status: 408 }],
    [
      "429 without headers on a look-up",
      { method: "GET", path: "/incidents", skip: 1, status: 429 },
    ],
    ["a reset before", { method: "POST", cut: "before" }],
    ["a reset after", { method: "POST", cut: "after" }],
    ["half an answer", { method: "POST", answer: "half" }],
    [
      "an answer that is no JSON",
      { method: "GET", path: "/incidents", skip: 1, status: 200, body: "<html>" },
    ],
    ["a log that fails once", { path: "/incidents/Q", status: 502 }],
    ["a resolution that fails once", { method: "PUT", status: 500 }],
  ];
  test.for(faults)("%s", async ([, fault]) => {
    const world = await scene({ faults: [fault] });
    expect((await expectOnePage(world)).code).toBe(0);
  });

  const refusals: [string, number, object, RegExp][] = [
    ["401", 401, { message: "no", code: 2006 }, /region: us or eu/],
    ["402", 402, { message: "Account lacks ability", code: 2014 }, /lacks an ability/],
    ["403", 403, { message: "Access Denied", code: 2010 }, /scopes/],
    ["404", 404, { message: "Not Found", code: 2100 }, /Not Found \(status 404, code 2100\)/],
    [
      "2002 that is no duplicate",
      400,
      { message: "Arguments Caused Error", code: 2002, errors: ["Service not found", "Second"] },
      /Service not found: Second/,
    ],
  ];
  test.for(refusals)("%s is refused in PagerDuty's words", async ([, status, error, words]) => {
    const world = await scene({ faults: [{ method: "POST", status, body: { error } }] });
    const { code, stdout } = await runCli("pagerduty-tester", args, {
      cwd: world.cwd,
      env: world.env,
    });
    expect(stdout).toMatch(words);
    expect(code).toBe(1);
    expect(world.fake.pages).toEqual([]);
  });
});
