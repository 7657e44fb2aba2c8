import { constants } from "node:os";
import type { FoundCommand } from "./command-path.ts";
import { CommandError } from "./errors.ts";

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

/** What no process can catch, the kernel's word on our own child, and faults, after which no JavaScript runs. */
const notForwarded: NodeJS.Signals[] = [
  ...(["SIGKILL", "SIGSTOP", "SIGCHLD", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL"] as const),
  // Node's own profiler.
  "SIGPROF",
];

/** Each signal once, although some have two names. */
function forwardedSignals(): NodeJS.Signals[] {
  const names = Object.entries(constants.signals) as [NodeJS.Signals, number][];
  const never = notForwarded.map((name) => constants.signals[name]);
  const byNumber = new Map(names.map(([name, number]) => [number, name]));
  return [...byNumber].flatMap(([number, name]) => (never.includes(number) ? [] : [name]));
}

function runAsChild({ command, args, env, found }: Replacement): Promise<number> {
  for (const name of ["SIGINT", "SIGTERM"]) process.removeAllListeners(name);
  // Not imported: it takes its time, and most never need it.
  const { spawn } = process.getBuiltinModule("node:child_process");
  return new Promise((resolve, reject) => {
    const child = spawn(found.path, args, { argv0: command, env, stdio: "inherit" });
    for (const name of forwardedSignals()) process.on(name, () => child.kill(name));
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new CommandError(`${found.path}: ${error.message}`, error.code === "ENOENT" ? 127 : 126),
      ),
    );
    child.once("close", (code, signal) => {
      resolve(code ?? 128 + (constants.signals[signal ?? "SIGKILL"] ?? 0));
    });
  });
}
