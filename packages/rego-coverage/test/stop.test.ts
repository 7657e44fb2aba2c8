import { existsSync, readFileSync, writeFileSync } from "node:fs";
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
