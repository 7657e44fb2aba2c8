import { binOf, runCli, startCli, startProcess } from "@internal/test/cli";
import { describe, expect, test, vi } from "vitest";
import type { FakeFault } from "../src/fake.ts";
import { cronOfNow, environment, folderWith, startAccount } from "./world.ts";

/** Comes so late that a process which does not wait for it is gone by then, and one that does goes on. */
const late: FakeFault = { delayMs: 4000 };

/** A command that waits for the answer to its n-th request. */
async function waiting(command: string[], n: number, fault = late) {
  const fake = await startAccount({
    users: [{ id: "PADA", answer: { after: 0 } }],
    faults: [{ ...fault, skip: n }],
  });
  const cwd = folderWith({
    "c.yaml": `verifyMinutes: 0.05
pollSeconds: 0.2
listLagSeconds: 0.2
users:
  - { name: Ada, id: PADA, cron: "${cronOfNow()}" }
`,
  });
  const env = environment(fake);
  const child = startCli("pagerduty-tester", [...command, "-c", "c.yaml"], { cwd, env });
  await vi.waitFor(() => expect(fake.requests.length).toBe(n + 1), 20_000);
  return { fake, cwd, env, child };
}

// Left-overs, the page itself, the From user, the token's user, what else the person is in.
const lookUps = [0, 1, 2, 3, 4];

describe.concurrent("asked to end while PagerDuty is asked: at once, and nobody is paged any more", () => {
  test.for(lookUps)("run --once, request %d", async (n) => {
    const { fake, cwd, env, child } = await waiting(["run", "--once"], n);
    child.kill("SIGTERM");
    // A round that was cut off has not said that everybody passed.
    expect((await child.ended).code).toBe(143);
    expect(fake.pages).toEqual([]);
    expect(fake.requests).toHaveLength(n + 1);
    await runCli("pagerduty-tester", ["run", "--once", "-c", "c.yaml"], { cwd, env });
    expect(fake.pages).toHaveLength(1);
  });

  test.for(lookUps.slice(1))("the daemon, request %d", async (n) => {
    const { fake, child } = await waiting(["run"], n);
    child.kill("SIGINT");
    expect((await child.ended).code).toBe(0);
    expect(fake.pages).toEqual([]);
  });

  test.for(lookUps.slice(1))("notify, request %d", async (n) => {
    const { fake, child } = await waiting(["notify", "PADA"], n);
    child.kill("SIGINT");
    expect((await child.ended).code).toBe(130);
    expect(fake.pages).toEqual([]);
  });

  test.for([0, 1, 2])("check, request %d", async (n) => {
    const { child } = await waiting(["check"], n, { answer: "trickle" });
    child.kill("SIGTERM");
    expect((await child.ended).code).toBe(143);
  });
});

test("who reads what is printed may go away: the round goes on, and ends as it would", async () => {
  const fake = await startAccount({ users: [{ id: "PADA", answer: { after: 0 } }] });
  const cwd = folderWith({
    "c.yaml": `- { name: Ada, id: PADA, cron: "${cronOfNow()}" }`,
  });
  const script = '{ "$0" "$@"; echo "code $?" >&2; } | true';
  const { stderr } = await startProcess(
    "sh",
    ["-c", script, process.execPath, binOf("pagerduty-tester"), "run", "--once", "-c", "c.yaml"],
    { cwd, env: environment(fake) },
  ).ended;
  expect(stderr).toBe("code 0\n");
  expect(fake.incidents.map(({ status }) => status)).toEqual(["resolved"]);
});
