import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** Ends processes, and removes their folder, when this process ends, however it ends. */
export interface Guard {
  /**
   * These processes are alive, as `kill` takes them (a negative one is a process group): they are killed
   * when this process ends. Replaces what was told before.
   */
  watch(pids: readonly number[]): void;
  /** Kills what is watched and removes the folder, if there is one, now. */
  close(): Promise<void>;
}

/**
 * The shell that does it waits for the end of its input. The system closes that pipe when this process
 * ends, be it by SIGKILL; in a session of its own, the shell does not get the terminal's Ctrl-C.
 */
const script = `
while read -r line; do pids=$line; done
[ -z "$pids" ] || kill -s KILL -- $pids 2>/dev/null
tries=0
until [ -z "$1" ] || rm -rf "$1" 2>/dev/null || [ $tries -eq 50 ]; do tries=$((tries + 1)); sleep 0.1; done
`;

/**
 * Starts a guard over processes and, if given, the folder that they work in.
 *
 * @param folder an absolute path
 */
export function startGuard(folder?: string): Guard {
  const shell: ChildProcess = spawn("/bin/sh", ["-c", script, "guard", folder ?? ""], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  shell.unref();
  const ended = once(shell, "exit");
  return {
    watch: (pids) => shell.stdin?.write(`${pids.join(" ")}\n`),
    close: async () => {
      shell.ref();
      shell.stdin?.end();
      await ended;
    },
  };
}
