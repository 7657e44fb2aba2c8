import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCli } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { embeddedEngine } from "../src/engine/embedded.ts";
import { runMutants } from "../src/mutate/mutate.ts";
import { runCoverage } from "../src/run.ts";

const packageFolder = fileURLToPath(new URL("..", import.meta.url));

beforeAll(() => {
  execFileSync(process.execPath, ["scripts/build-engine.ts"], { cwd: packageFolder });
}, 600_000);

describe("the README's example", () => {
  const readme = readFileSync(join(packageFolder, "README.md"), "utf8");
  const mutate = (cwd: string) =>
    runCli("rego-coverage", ["policies", "--mutate"], {
      cwd,
      env: { PATH: "/nowhere", XDG_CACHE_HOME: join(cwd, ".cache") },
    });

  test("the survivors are the ones it shows, and its test kills the first", async () => {
    using folder = makeFolder();
    cpSync(join(packageFolder, "examples"), folder.path, { recursive: true });
    const [, shown = ""] = /--mutate\n…\n([\s\S]*?)^…/m.exec(readme) ?? [];
    const { stdout } = await mutate(folder.path);
    expect(stdout).toContain(shown);
    const [first = ""] = /^policies.*/m.exec(shown) ?? [];
    const [killing = ""] = /^test_cluster_ip_allowed .*/m.exec(readme) ?? [];
    appendFileSync(join(folder.path, "policies/service_test.rego"), `\n${killing}\n`);
    const { stdout: after } = await mutate(folder.path);
    expect(first).toContain(' input.spec.type == "LoadBalancer" → true');
    expect(after).not.toContain(first);
    expect(after).toContain("\nmutation score: ");
  });
});

describe("what became of a change", () => {
  const policy = (body: string, ...tests: string[]) =>
    makeFolder({
      "policies/a.rego": `package a\n\n${body}\n`,
      "policies/a_test.rego": `package a_test\n\nimport data.a\n\n${tests.map((test, n) => `test_${n} if ${test}\n`).join("\n")}`,
    });
  const judge = (cwd: string, limitMs = 60_000) =>
    runMutants({
      paths: ["policies"],
      cwd,
      ignore: [],
      v0Compatible: false,
      limitMs,
      policies: [{ file: "policies/a.rego", pragmas: [] }],
    });
  beforeAll(() => void vi.stubEnv("XDG_CACHE_HOME", "/dev/null"));
  afterAll(() => void vi.unstubAllEnvs());

  test("one that does not compile does not count", async () => {
    using folder = policy(
      "x if {\n\ty = input.y\n\ty > 1\n}",
      "a.x with input.y as 2",
      "not a.x with input.y as 1",
    );
    const judged = await judge(folder.path);
    const deleted = judged.find(({ mutant }) => mutant.original === "y = input.y");
    expect(deleted?.outcome).toEqual({ status: "invalid", ran: [] });
  });

  test("one that makes a test endless is noticed by the time limit, and the rest goes on", async () => {
    // A million million steps, behind a condition that a change opens.
    using folder = policy(
      "n := numbers.range(1, 1000000)\n\nx if {\n\tinput.n > 3\n\tcount([1 | some i in n; some j in n; i == j + 2000000]) == 1\n}\n\nz := 1",
      "not a.x with input.n as 2",
      "a.z == 1",
    );
    const judged = await judge(folder.path, 10_000);
    const status = (original: string) =>
      judged.find(({ mutant }) => mutant.original === original)?.outcome.status;
    expect(status(">")).toBe("timeout");
    expect(judged.at(-1)?.mutant.row).toBe(10);
    expect(judged.at(-1)?.outcome.status).toBe("killed");
  });

  test("only tests that reach the change run", async () => {
    using folder = policy(
      "x if input.x > 1\n\ny if input.y > 1",
      "a.x with input.x as 2",
      "a.y with input.y as 2",
    );
    for (const { mutant, outcome } of await judge(folder.path)) {
      const reaching = mutant.row === 3 ? "data.a_test.test_0" : "data.a_test.test_1";
      expect(outcome.ran).toEqual([reaching]);
    }
  });
});

test("runMutants: when one thread fails, no other goes on", async () => {
  const rules = Array.from({ length: 30 }, (_, n) => `x${n} if input.n > ${n}\n`);
  const tests = rules.map((_, n) => `test_${n} if a.x${n} with input.n as 99\n`);
  using folder = makeFolder({
    "policies/a.rego": `package a\n\n${rules.join("\n")}`,
    "policies/a_test.rego": `package a_test\n\nimport data.a\n\n${tests.join("\n")}`,
  });
  let calls = 0;
  const suite = { paths: ["policies"], cwd: folder.path, ignore: [], v0Compatible: false };
  const run = runMutants({
    ...suite,
    policies: [{ file: "policies/a.rego", pragmas: [] }],
    onProgress() {
      if (++calls === 1) throw new Error("the first change");
    },
  });
  await expect(run).rejects.toThrow("the first change");
  // Threads that went on would report meanwhile.
  const engine = embeddedEngine(folder.path);
  await engine.run({ ...suite, contexts: true });
  await engine.close();
  expect(calls).toBe(1);
});

test("with --each, folders of which one's name begins as another's", async () => {
  const files = (at: string, tests: string) => ({
    [`policies/${at}/a.rego`]: "package a\n\nx if input.n > 3\n",
    [`policies/${at}/a_test.rego`]: `package a_test\n\nimport data.a\n\ntest_x if a.x with input.n as 4\n${tests}`,
  });
  using folder = makeFolder({
    ...files("one", "\ntest_not if not a.x with input.n as 3\n"),
    ...files("one-more", ""),
  });
  const env = { PATH: "/nowhere", XDG_CACHE_HOME: join(folder.path, "cache") };
  const { stdout } = await runCli("rego-coverage", ["--each", "--mutate"], {
    cwd: folder.path,
    env,
  });
  const survived = [...stdout.matchAll(/^(policies\S+):\d+:\d+ .* → /gm)].map(([, file]) => file);
  expect(new Set(survived)).toEqual(new Set(["policies/one-more/a.rego"]));
});

test("the cache: damaged, out of date", async () => {
  using folder = makeFolder({
    "policies/a.rego": "package a\n\nx if input.n > 3\n",
    "policies/a_test.rego": "package a_test\n\nimport data.a\n\ntest_x if a.x with input.n as 5\n",
    "policies/data.json": '{"known": 1}',
  });
  const cache = join(folder.path, "cache/rego-coverage");
  const env = { PATH: "/nowhere", XDG_CACHE_HOME: join(folder.path, "cache") };
  const run = async () =>
    (await runCli("rego-coverage", ["--mutate"], { cwd: folder.path, env })).stdout;
  const first = await run();
  expect(first).toContain("\nSurvived:\n");
  const [entry = ""] = readdirSync(cache);
  const kept = readFileSync(join(cache, entry), "utf8");
  writeFileSync(join(cache, entry), kept.replace("survived", "killed"));
  expect(await run()).toBe(first);
  expect(readFileSync(join(cache, entry), "utf8")).toBe(kept);
  appendFileSync(
    join(folder.path, "policies/a_test.rego"),
    "\ntest_not if not a.x with input.n as 3\n",
  );
  expect(await run()).not.toContain("3:12");
  writeFileSync(join(folder.path, "policies/data.json"), '{"known": 2}');
  await run();
  expect(readdirSync(cache)).toHaveLength(3);
});

test("the cache: what no run has used for 30 days is removed, and nothing else", async () => {
  using folder = makeFolder({
    "policies/a.rego": "package a\n\nx if input.n > 3\n",
    "policies/a_test.rego": "package a_test\n\nimport data.a\n\ntest_x if a.x with input.n as 5\n",
  });
  const cache = join(folder.path, "cache/rego-coverage");
  const env = { PATH: "/nowhere", XDG_CACHE_HOME: join(folder.path, "cache") };
  const run = () => runCli("rego-coverage", ["--mutate"], { cwd: folder.path, env });
  await run();
  const [used = ""] = readdirSync(cache);
  const [recent, unused] = ["a".repeat(64), "b".repeat(64)];
  for (const name of [recent, unused, "notes"]) writeFileSync(join(cache, name), "");
  const daysAgo = (days: number) => new Date(Date.now() - days * 24 * 3600 * 1000);
  for (const name of [used, unused, "notes"]) utimesSync(join(cache, name), 0, daysAgo(31));
  utimesSync(join(cache, recent), 0, daysAgo(29));
  await run();
  expect(new Set(readdirSync(cache))).toEqual(new Set([used, recent, "notes"]));
});

test("runCoverage: nothing is tried for a signal that is aborted before", async () => {
  using folder = makeFolder({ "policies/a.rego": "package a\n\nx := 1\n" });
  vi.stubEnv("PATH", "/nowhere");
  const run = runCoverage({ cwd: folder.path, signal: AbortSignal.abort() });
  await expect(run).rejects.toMatchObject({ name: "AbortError" });
  vi.unstubAllEnvs();
});

test("runCoverage: the signal ends the trying of changes, and nothing is kept", async () => {
  using folder = makeFolder({
    "policies/a.rego": "package a\n\nx if {\n\tinput.a > 1\n\tinput.b > 2\n\tinput.c > 3\n}\n",
    "policies/a_test.rego":
      'package a_test\n\nimport data.a\n\ntest_x if a.x with input as {"a": 2, "b": 3, "c": 4}\n',
  });
  vi.stubEnv("XDG_CACHE_HOME", folder.path);
  vi.stubEnv("PATH", "/nowhere");
  const controller = new AbortController();
  const run = runCoverage({
    cwd: folder.path,
    mutate: true,
    signal: controller.signal,
    onMutant: () => controller.abort(),
  });
  await expect(run).rejects.toMatchObject({ name: "AbortError" });
  vi.unstubAllEnvs();
  expect(readdirSync(folder.path)).toEqual(["policies"]);
});
