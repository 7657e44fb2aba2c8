import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startProcess } from "./cli.ts";
import { makeFolder } from "./folder.ts";

const guard = fileURLToPath(new URL("guard.ts", import.meta.url));

/** Starts a guard over a folder and over a process, and over a group in which another one runs. */
const script = `
  import { spawn } from "node:child_process";
  import { startGuard } from ${JSON.stringify(guard)};
  const folder = process.argv.at(-1);
  const guard = startGuard(folder);
  const one = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" });
  const group = spawn("sh", ["-c", 'sleep 1000 & echo $! > "$0"/pid; wait', folder], { detached: true, stdio: "ignore" });
  guard.watch([one.pid, -group.pid]);
  console.log("guarded", one.pid, group.pid);
  process.on("SIGTERM", () => guard.close().then(() => process.exit(0)));
  setInterval(() => {}, 1000);
`;

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    // A process that was killed but whose parent has not noticed is as good as gone.
    const state = `/proc/${pid}/stat`;
    return !existsSync(state) || !/\) Z/.test(readFileSync(state, "utf8"));
  } catch {
    return false;
  }
};

test.each(["SIGKILL", "SIGINT", "SIGTERM"] as const)(
  "%s leaves no process and no file",
  async (signal) => {
    using outside = makeFolder({ "work/file": "" });
    const folder = join(outside.path, "work");
    const args = ["--input-type=module", "--eval", script, folder];
    const runner = startProcess(process.execPath, args);
    const [, one, group] = await runner.printed(/guarded (\d+) (\d+)/);
    const pidFile = join(folder, "pid");
    await expect.poll(() => existsSync(pidFile) && readFileSync(pidFile, "utf8")).toMatch(/\d\n/);
    const inner = readFileSync(pidFile, "utf8");
    const pids = [one, group, inner].map(Number);
    expect(pids.map(isAlive)).toEqual([true, true, true]);

    runner.kill(signal);
    await runner.ended;
    const options = { timeout: 20_000 };
    await expect.poll(() => pids.map(isAlive), options).toEqual([false, false, false]);
    await expect.poll(() => existsSync(folder), options).toBe(false);
  },
);
