import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Guard, startGuard } from "./guard.ts";

/** How a bin ended and all it printed. */
export interface CliResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  cwd?: string;
  /** Added to a small environment (PATH, HOME); a variable set to undefined is left out. */
  env?: Record<string, string | undefined>;
  input?: string;
  /** The Node that runs it, by absolute path; the default is the one that runs the test. */
  node?: string;
  /** Ends the process with SIGKILL when it aborts. */
  signal?: AbortSignal;
}

/** A bin that runs: feed it signals, wait for what it prints, wait for its end. */
export interface RunningCli {
  pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when what it printed so far (stdout and stderr) matches; rejects when it ends without. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
  output(): { stdout: string; stderr: string };
  /** Calls back with all of stdout so far, each time something is printed. */
  onOutput(listener: (stdout: string) => void): void;
  ended: Promise<CliResult>;
}

/** The source of a package's bin, which Node runs as it is. */
export function binOf(packageName: string): string {
  return fileURLToPath(new URL(`../packages/${packageName}/src/cli.ts`, import.meta.url));
}

/** Starts a package's bin as a child process, as a user would. */
export function startCli(
  packageName: string,
  args: string[],
  options: CliOptions = {},
): RunningCli {
  return startProcess(options.node ?? process.execPath, [binOf(packageName), ...args], options);
}

/** Runs a package's bin to its end. */
export function runCli(
  packageName: string,
  args: string[],
  options: CliOptions = {},
): Promise<CliResult> {
  return startCli(packageName, args, options).ended;
}

const running = new Set<number>();
let guard: Guard | undefined;

/** A test that fails half-way ends nothing it has started. */
function endWithThisProcess(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  guard ??= startGuard();
  running.add(pid);
  guard.watch([...running]);
  child.once("exit", () => {
    running.delete(pid);
    guard?.watch([...running]);
  });
}

/** Starts any command, its output kept; it is killed when this process ends. */
export function startProcess(
  command: string,
  args: string[],
  options: CliOptions = {},
): RunningCli {
  const { cwd, env = {}, input = "", signal } = options;
  const { PATH, HOME } = process.env;
  const child = spawn(command, args, {
    cwd,
    env: { PATH, HOME, ...env },
    stdio: "pipe",
    ...(signal === undefined ? {} : { signal, killSignal: "SIGKILL" }),
  });
  endWithThisProcess(child);
  let stdout = "";
  let stderr = "";
  const changed = new EventTarget();
  const note = () => changed.dispatchEvent(new Event("output"));
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
    note();
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
    note();
  });
  child.stdin.on("error", () => {}); // a process that ends without reading its input
  child.stdin.end(input);
  const ended = once(child, "close").then(
    ([code, by]): CliResult => ({ code, signal: by, stdout, stderr }),
  );
  ended.then(note, note);
  return {
    pid: child.pid ?? 0,
    kill: (name) => child.kill(name),
    output: () => ({ stdout, stderr }),
    onOutput: (listener) => changed.addEventListener("output", () => listener(stdout)),
    ended,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = `${stdout}\n${stderr}`.match(pattern);
          if (match === null && child.exitCode === null && child.signalCode === null) return;
          changed.removeEventListener("output", look);
          if (match !== null) resolve(match);
          else reject(new Error(`ended without printing ${pattern}:\n${stdout}\n${stderr}`));
        };
        changed.addEventListener("output", look);
        look();
      }),
  };
}
