import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startCli } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { expect, test } from "vitest";
import { runCoverage } from "../src/run.ts";

/** A folder with a command that never ends; it writes the id of its process. */
function endless() {
  const folder = makeFolder({ "policies/a.rego": "package a\n\nx := 1\n" });
  const script =
    '#!/bin/sh\n[ "$1" = version ] && exit\necho $$ > pid.tmp\nmv pid.tmp pid\nexec sleep 600\n';
  writeFileSync(join(folder.path, "endless"), script, { mode: 0o755 });
  return folder;
}

/** Waits until the command runs. */
async function pidOf(folder: string): Promise<number> {
  const file = join(folder, "pid");
  while (!existsSync(file)) await sleep(20);
  return Number(readFileSync(file, "utf8"));
}

async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await sleep(20);
  }
}

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s ends OPA too, exit code %i", async (signal, code) => {
  using folder = endless();
  const running = startCli("rego-coverage", ["--opa", "./endless"], { cwd: folder.path });
  const pid = await pidOf(folder.path);
  running.kill(signal);
  expect(await running.ended).toEqual({ code, signal: null, stdout: "", stderr: "" });
  await gone(pid);
});

test("SIGTERM ends an OPA that is still asked for its version", async () => {
  using folder = makeFolder({ "policies/a.rego": "package a\n\nx := 1\n" });
  const script = `#!/bin/sh
[ "$1" = test ] && echo '[]' && exit
echo $$ > pid.tmp
mv pid.tmp pid
exec sleep 600
`;
  writeFileSync(join(folder.path, "slow"), script, { mode: 0o755 });
  const running = startCli("rego-coverage", ["--opa", "./slow"], { cwd: folder.path });
  const pid = await pidOf(folder.path);
  running.kill("SIGTERM");
  expect(await running.ended).toEqual({ code: 143, signal: null, stdout: "", stderr: "" });
  await gone(pid);
});

test("runCoverage: with each, a folder that fails ends the others' OPA, and no other starts", async () => {
  const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const policies = names.map((name) => [`policies/${name}/a.rego`, "package a\n\nx := 1\n"]);
  using folder = makeFolder(Object.fromEntries(policies));
  // The first fails when the second, which never ends, runs, where two run at once.
  const several = availableParallelism() > 1;
  const script = `#!/bin/sh
[ "$1" = version ] && exit
for at; do :; done
name=$(basename "$at")
echo $$ > "$name.tmp"
mv "$name.tmp" "$name.pid"
[ "$name" = a ] || exec sleep 600
${several ? "while [ ! -e b.pid ]; do sleep 0.1; done" : ""}
echo broken >&2
exit 1
`;
  writeFileSync(join(folder.path, "one-fails"), script, { mode: 0o755 });
  const run = runCoverage({ cwd: folder.path, opa: ["./one-fails"], each: true });
  await expect(run).rejects.toThrow("broken");
  const started = readdirSync(folder.path).filter((name) => name.endsWith(".pid"));
  for (const name of started) await gone(Number(readFileSync(join(folder.path, name), "utf8")));
  expect(readdirSync(folder.path).filter((name) => name.endsWith(".pid"))).toEqual(started);
  expect(started.length).toBeLessThanOrEqual(availableParallelism());
});

test("runCoverage: the signal ends OPA", async () => {
  using folder = endless();
  const controller = new AbortController();
  const run = runCoverage({ cwd: folder.path, opa: ["./endless"], signal: controller.signal });
  const pid = await pidOf(folder.path);
  controller.abort();
  await expect(run).rejects.toMatchObject({ name: "AbortError" });
  await gone(pid);
});

test("runCoverage: a signal that is aborted before starts nothing", async () => {
  using folder = endless();
  const signal = AbortSignal.abort();
  const run = runCoverage({ cwd: folder.path, opa: ["./endless"], signal });
  await expect(run).rejects.toMatchObject({ name: "AbortError" });
  expect(existsSync(join(folder.path, "pid"))).toBe(false);
});
