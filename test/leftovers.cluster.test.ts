import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type RunningCli, startProcess } from "./cli.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const vitest = `${root}node_modules/vitest/vitest.mjs`;
const args = [vitest, "run", "--config", `${root}test/leftovers/vitest.config.ts`];

/** The cluster suite in small, as a child: how it ends is up to the test. */
function startSuite(ending: string): RunningCli {
  const { XDG_CACHE_HOME, GOCACHE } = process.env;
  return startProcess(process.execPath, args, {
    cwd: root,
    env: { XDG_CACHE_HOME, GOCACHE, ENDING: ending },
  });
}

/** The folders of the clusters and the test that a suite made, as it printed them. */
function foldersOf(suite: RunningCli): string[] {
  return [...suite.output().stdout.matchAll(/folder (\S+) end/g)].map(([, folder]) => folder ?? "");
}

/** The command lines of processes that work in one of these folders. */
function processesIn(folders: string[]): string[] {
  const all = existsSync("/proc/self/cmdline") ? commandLinesOfLinux() : commandLinesOfPs();
  return all.filter((commandLine) => folders.some((folder) => commandLine.includes(folder)));
}

/** A small Linux has no ps. */
function commandLinesOfLinux(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return ""; // it ended while we looked
      }
    });
}

function commandLinesOfPs(): string[] {
  return execFileSync("ps", ["-A", "-o", "args="], { encoding: "utf8" }).split("\n");
}

async function expectNothingLeft(folders: string[]) {
  const options = { timeout: 30_000 };
  await expect.poll(() => processesIn(folders), options).toEqual([]);
  await expect.poll(() => folders.filter((folder) => existsSync(folder)), options).toEqual([]);
}

test.each([
  ["success", 0],
  ["failure", 1],
])("after %s nothing is left", async (ending, code) => {
  const suite = startSuite(ending);
  await suite.printed(/folder \S+ end/);
  expect(processesIn(foldersOf(suite))).not.toEqual([]);
  expect((await suite.ended).code).toBe(code);
  await expectNothingLeft(foldersOf(suite));
});

test.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)("after %s nothing is left", async (signal) => {
  const suite = startSuite("interrupted");
  await suite.printed(/both are up/);
  const folders = foldersOf(suite);
  expect(folders).toHaveLength(3);
  expect(processesIn(folders).length).toBeGreaterThanOrEqual(6);
  suite.kill(signal);
  await expectNothingLeft(folders);
  await suite.ended;
});
