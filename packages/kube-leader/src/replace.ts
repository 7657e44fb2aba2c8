import { spawn } from "node:child_process";
import { constants } from "node:os";
import { CommandError, type FoundCommand } from "./command-path.ts";

/** The command a process becomes. */
export interface Replacement {
  /** As it was typed: the new program's name for itself. */
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  found: FoundCommand;
}

/**
 * Becomes the command: the process is replaced where the platform can, else the command runs as a child,
 * gets every signal, and its end becomes ours.
 *
 * @returns the exit code, where the process was not replaced
 * @throws CommandError when the command cannot be run
 */
export async function becomeCommand(replacement: Replacement): Promise<number> {
  const canReplace = typeof process.execve === "function" && !isRestricted();
  if (canReplace && replacement.found.isCertain) replaceProcess(replacement);
  return runAsChild(replacement);
}

/** Under Node's permission model the process may not replace itself. */
function isRestricted(): boolean {
  return (process as { permission?: object }).permission !== undefined;
}

function replaceProcess({ command, args, env, found }: Replacement): void {
  // Node ignores these two, and what is ignored stays so in the new program. What is caught does not.
  process.on("SIGPIPE", () => {}).on("SIGXFSZ", () => {});
  try {
    process.execve?.(found.path, [command, ...args], env);
  } catch {
    // Newer Node throws where older ones abort; the child's error will say what is wrong.
  }
}

/** Not ours to pass on: the kernel's own, faults, and those that a terminal sends to the whole group. */
const notForwarded = [
  ...[
    "SIGKILL",
    "SIGSTOP",
    "SIGCHLD",
    "SIGSEGV",
    "SIGBUS",
    "SIGFPE",
    "SIGILL",
    "SIGABRT",
    "SIGIOT",
  ],
  ...["SIGTRAP", "SIGSYS", "SIGPROF", "SIGPIPE", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGSTKFLT"],
  "SIGXFSZ",
];

function runAsChild({ command, args, env, found }: Replacement): Promise<number> {
  for (const name of ["SIGINT", "SIGTERM"]) process.removeAllListeners(name);
  return new Promise((resolve, reject) => {
    const child = spawn(found.path, args, { argv0: command, env, stdio: "inherit" });
    for (const name of Object.keys(constants.signals) as NodeJS.Signals[]) {
      if (!notForwarded.includes(name)) process.on(name, () => child.kill(name));
    }
    child.once("error", (error) =>
      reject(new CommandError(`${found.path}: ${error.message}`, 126)),
    );
    child.once("close", (code, signal) => {
      resolve(code ?? 128 + (constants.signals[signal ?? "SIGKILL"] ?? 0));
    });
  });
}
