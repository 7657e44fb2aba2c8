import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A component's process that a test can stop, freeze and start again. */
export interface Program {
  readonly name: string;
  /** The process that runs now; undefined when none does. */
  readonly pid: number | undefined;
  /** Starts it and waits until it serves. */
  start(): Promise<void>;
  /** Kills it and waits for its end. @default SIGKILL */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Freezes it where it stands (SIGSTOP): connections stay open, nothing is answered. */
  pause(): void;
  /** Lets it go on (SIGCONT). */
  resume(): void;
}

export interface ProgramOptions {
  name: string;
  path: string;
  args: string[];
  /** Takes what it prints, appended. */
  logFile: string;
  /** Resolves when it serves, rejects when it does not yet. */
  ready: () => Promise<unknown>;
  /** Called whenever a process starts or ends. */
  changed: () => void;
}

/** How long a component may take to serve, in milliseconds: the slowest needs 4 s on two idle cores. */
const patience = 90_000;

export function makeProgram(options: ProgramOptions): Program {
  const { name, path, args, logFile, ready, changed } = options;
  let child: ChildProcess | undefined;
  const signal = (which: NodeJS.Signals) => child?.kill(which);

  const start = async () => {
    if (child !== undefined) throw new Error(`${name} runs already`);
    const log = openSync(logFile, "a");
    const started = spawn(path, args, { detached: true, stdio: ["ignore", log, log] });
    child = started;
    // The components outlive a test's end and must not keep its process from ending.
    started.unref();
    started.once("exit", () => {
      if (child === started) child = undefined;
      changed();
    });
    changed();
    await once(started, "spawn");
    const deadline = Date.now() + patience;
    while (!(await succeeds(ready))) {
      const ended = child !== started;
      if (ended || Date.now() > deadline) {
        const why = ended ? "ended" : `does not serve after ${patience / 1000} s`;
        throw new Error(`${name} ${why}:\n${lastLines(logFile)}`);
      }
      await sleep(30);
    }
  };

  return {
    name,
    get pid() {
      return child?.pid;
    },
    start,
    stop: async (which = "SIGKILL") => {
      if (child === undefined) return;
      const ended = once(child, "exit");
      child.ref();
      signal(which);
      await ended;
    },
    pause: () => signal("SIGSTOP"),
    resume: () => signal("SIGCONT"),
  };
}

function succeeds(ask: () => Promise<unknown>): Promise<boolean> {
  return ask().then(
    () => true,
    () => false,
  );
}

function lastLines(file: string): string {
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-15).join("\n");
}
