import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { runCli, startCli } from "@internal/test/cli";
import { describe, expect, test } from "vitest";
import type { FakeFault } from "../src/fake.ts";
import { PagerDutyClient, type PagerDutyError } from "../src/index.ts";
import { startHook } from "./hooks.ts";
import { cronOfNow, environment, folderWith, from, startAccount, token } from "./world.ts";

const quick = "verifyMinutes: 0.05\npollSeconds: 0.2\nlistLagSeconds: 0.5\nratePerMinute: 600\n";
const people = (...ids: string[]) =>
  `users:\n${ids.map((id) => `  - { name: ${id}, id: ${id}, cron: "${cronOfNow()}" }`).join("\n")}\n`;

async function get(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url);
  return { status: response.status, text: await response.text() };
}

describe.concurrent("a daemon that is watched", () => {
  test("metrics, health and a heartbeat, until it ends", async () => {
    const alive = await startHook("/ping/secret");
    const hook = await startHook("/hook");
    const fake = await startAccount({
      users: [
        { id: "PADA", answer: { after: 0 } },
        { id: "PBOB", answer: { after: "never" } },
      ],
    });
    const settings = `${quick}heartbeat: "${alive.url}"\nescalation: { webhook: "${hook.url}" }\n`;
    const cwd = folderWith({ "c.yaml": settings + people("PADA", "PBOB") });
    const daemon = startCli(
      "pagerduty-tester",
      ["run", "-c", "c.yaml", "--listen", "127.0.0.1:0"],
      {
        cwd,
        env: environment(fake),
      },
    );
    const [, url] = await daemon.printed(/listening on (http:[^"\s]+)/);
    await daemon.printed(/PADA: pass/);
    await daemon.printed(/PBOB: no-response/);
    await hook.count(1);
    await daemon.printed(/"escalated"/);
    // As soon as it works, and not a minute later.
    await alive.count(1);
    expect(await get(`${url}/healthz`)).toEqual({ status: 200, text: "ok\n" });
    expect(await get(`${url}/readyz`)).toEqual({ status: 200, text: "ok\n" });
    const { text } = await get(`${url}/metrics`);
    const value = (name: string) =>
      Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`pagerduty_tester_${name} `))
          ?.split(" ")[1],
      );
    expect(value("pages_total")).toBe(2);
    expect(value('verdicts_total{verdict="pass"}')).toBe(1);
    expect(value('verdicts_total{verdict="no-response"}')).toBe(1);
    expect(value("response_seconds_count")).toBe(1);
    expect(value('escalations_total{sent="true"}')).toBe(1);
    expect(value('api_requests_total{method="POST",status="201"}')).toBe(2);
    expect(value('waiting{for="sending"}')).toBe(0);
    expect(value('waiting{for="verdict"}')).toBe(0);
    const last = value('last_verdict_timestamp_seconds{user="PADA",verdict="pass"}');
    expect(last % 60).toBe(0);
    expect(Math.abs(last - Date.now() / 1000)).toBeLessThan(600);
    daemon.kill("SIGTERM");
    expect((await daemon.ended).code).toBe(0);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  test("no heartbeat and not ready while PagerDuty cannot be reached", async () => {
    const alive = await startHook("/ping");
    const fake = await startAccount({ users: [{ id: "PADA", answer: { after: 0 } }] });
    const cwd = folderWith({ "c.yaml": `${quick}heartbeat: "${alive.url}"\n${people("PADA")}` });
    const daemon = startCli(
      "pagerduty-tester",
      ["run", "-c", "c.yaml", "--listen", "127.0.0.1:0"],
      {
        cwd,
        env: { ...environment(fake), PAGERDUTY_API_URL: "http://127.0.0.1:1" },
      },
    );
    const [, url] = await daemon.printed(/listening on (http:[^"\s]+)/);
    await daemon.printed(/connection refused; trying again until it works/);
    expect(await get(`${url}/readyz`)).toEqual({
      status: 503,
      text: "PagerDuty was not reached yet\n",
    });
    expect((await get(`${url}/healthz`)).status).toBe(200);
    expect(alive.received).toEqual([]);
    daemon.kill("SIGTERM");
    expect((await daemon.ended).code).toBe(0);
  });

  test("run --once sends one heartbeat when it is done; one that fails is said without its address", async () => {
    const alive = await startHook("/ping/secret-path");
    const fake = await startAccount({ users: [{ id: "PADA", answer: { after: 0 } }] });
    const once = (url: string) =>
      runCli("pagerduty-tester", ["run", "--once", "-c", "c.yaml"], {
        cwd: folderWith({ "c.yaml": `${quick}heartbeat: "${url}"\n${people("PADA")}` }),
        env: environment(fake),
      });
    expect((await once(alive.url)).code).toBe(0);
    expect(alive.received).toEqual([{ method: "GET", path: "/ping/secret-path", body: undefined }]);
    const broken = await startHook("/ping/secret-path", 500);
    const { code, stdout, stderr } = await once(broken.url);
    expect(code).toBe(0);
    expect(stderr).toMatch(/the heartbeat could not be sent/);
    expect(stdout + stderr).not.toMatch(/secret-path/);
  });
});

describe("no secret leaves the process", () => {
  const phone = /555[ -]?0100?|\+1 ?555/;
  /** PagerDuty that answers with what it was sent, and with phone numbers. */
  const gossip = (status: number): Partial<FakeFault> => ({
    status,
    body: {
      error: {
        message: `Authorization: Token token=${token} is no good`,
        code: 2006,
        errors: [`Bearer ${token}`, "call +1 (555) 010-0999 or 5550100999"],
      },
    },
  });

  test("through every command and every fault: logs, results, journal, reports, metrics", async () => {
    const ids = ["PA", "PB", "PC", "PD"];
    const fake = await startAccount({
      users: ids.map((id) => ({ id, answer: { after: id === "PD" ? "never" : 0 } })),
      faults: [
        { method: "POST", text: '"PA"', ...gossip(401) },
        { method: "POST", text: '"PB"', ...gossip(500) },
        { method: "POST", text: '"PC"', cut: "after" },
        { method: "PUT", ...gossip(400), times: 2 },
        { method: "GET", path: "/incidents/Q", ...gossip(503), times: 2 },
      ],
    });
    const hook = await startHook("/services/T000/hook-secret", 500);
    const alive = await startHook("/ping/beat-secret", 404);
    const settings = `${quick}heartbeat: "${alive.url}"\nescalation: { webhook: "${hook.url}" }\n`;
    const cwd = folderWith({ "c.yaml": settings + people(...ids) });
    const env = { ...environment(fake), DEBUG: "*", NODE_DEBUG: "" };
    const cli = (...args: string[]) => runCli("pagerduty-tester", args, { cwd, env });
    const daemon = startCli(
      "pagerduty-tester",
      ["run", "-c", "c.yaml", "--listen", "127.0.0.1:0"],
      {
        cwd,
        env,
      },
    );
    const [, url] = await daemon.printed(/listening on (http:[^"\s]+)/);
    for (const id of ids) await daemon.printed(new RegExp(`${id}: (pass|refused|no-response)`));
    await daemon.printed(/could not escalate/);
    const metrics = await get(`${url}/metrics`);
    daemon.kill("SIGTERM");
    const written: Record<string, string> = { metrics: metrics.text };
    const keep = (name: string, result: { stdout: string; stderr: string }) => {
      written[name] = result.stdout + result.stderr;
    };
    keep("run", await daemon.ended);
    fake.addFaults({ method: "GET", path: "/users", ...gossip(403), times: 3 } as FakeFault);
    keep(
      "check",
      await cli("check", "-c", "c.yaml", "--format", "text", "--format", "json=check.json"),
    );
    fake.addFaults({ method: "POST", ...gossip(404) } as FakeFault);
    keep("notify", await cli("notify", "-c", "c.yaml", "PA"));
    fake.addFaults({ method: "GET", ...gossip(401), times: 9 } as FakeFault);
    keep("refused at the start", await cli("notify", "-c", "c.yaml", "PB"));
    const formats = ["text", "json=r.json", "html=r.html"].flatMap((format) => [
      "--format",
      format,
    ]);
    keep("report", await cli("report", "-c", "c.yaml", ...formats));
    for (const file of ["pagerduty-tester.journal", "r.json", "r.html", "check.json"]) {
      written[file] = readFileSync(join(cwd, file), "utf8");
    }
    // The search finds what it is to find: each place tells of the trouble it met.
    expect(written["run"]).toMatch(/Token token=\*\*\* is no good/);
    expect(written["notify"]).toMatch(/is no good/);
    expect(written["pagerduty-tester.journal"]).toMatch(/is no good/);
    for (const [name, text] of Object.entries(written)) {
      expect(text.length, name).toBeGreaterThan(50);
      for (const secret of [token, "hook-secret", "beat-secret", phone]) {
        expect(text, name).not.toMatch(secret);
      }
    }
  });

  const faults: [string, FakeFault][] = [
    ["an error that tells the token", gossip(400)],
    ["a reset", { cut: "before" }],
    ["a time-out", { delayMs: 5_000 }],
    ["half an answer", { answer: "half" }],
    ["no JSON", { status: 200, body: `<p>${token}` }],
    ["another shape", { status: 200, body: { incidents: token } }],
  ];
  test.for(faults)("nor does an error, whoever looks into it: %s", async ([, fault]) => {
    const fake = await startAccount({ faults: [fault] });
    const timeouts = { response: 500, request: 700 };
    const client = new PagerDutyClient({ token, from, apiUrl: fake.url, timeouts });
    const error: PagerDutyError = await client.listIncidents({ key: "k" }).then(
      () => expect.unreachable(),
      (thrown) => thrown,
    );
    expect(error.name).toBe("PagerDutyError");
    const seen = [
      ...[String(error), error.stack, JSON.stringify(error), JSON.stringify({ ...error })],
      ...[inspect(error, { showHidden: true, depth: 12 }), inspect(client, { showHidden: true })],
    ].join("\n");
    for (const secret of [token, from, phone]) expect(seen).not.toMatch(secret);
  });
});
