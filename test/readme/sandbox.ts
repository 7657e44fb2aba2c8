import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { binOf, type RunningCli, startProcess } from "../cli.ts";
import { makeFolder } from "../folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const packages = readdirSync(join(root, "packages"));

/** What surrounds a README's commands: fakes that they reach by these variables, and what happens meanwhile. */
export interface World {
  env?: Record<string, string>;
  /** Files that the README speaks of and does not show. */
  files?: Record<string, string>;
  /** Texts of the README that stand for something here: an address, and the fake's. */
  instead?: Record<string, string>;
  /** Commands that run until they are ended, by how they begin, with what they print when they are up. */
  daemons?: Record<string, RegExp>;
  /** Hears all that a command printed so far, each time it prints. */
  printed?: (output: string) => void;
  close?: () => PromiseLike<unknown>;
}

/** A folder in which a README's commands run, with our bins on PATH. */
export interface Sandbox extends AsyncDisposable {
  write(name: string, text: string): void;
  /**
   * Runs a command line in a shell; stdout and stderr come together, as a terminal shows them. A daemon is
   * left running until the sandbox is closed: its code is 0 when it is up. What it says to export is exported.
   */
  run(command: string): Promise<{ code: number | null; output: string }>;
}

/**
 * Makes the folder: the package's `examples/`, and their content beside it as well, for READMEs that stand in it;
 * for the root's README every package's examples where the repository has them.
 *
 * @param folder the README's folder in the repository, "" for the root's
 * @param programs more programs to put on PATH, by absolute path
 */
export function makeSandbox(folder: string, world: World, programs: string[] = []): Sandbox {
  const sandbox = makeFolder({ ".bin/npx": npx });
  const copy = (from: string, to: string) => {
    if (existsSync(join(root, from))) {
      cpSync(join(root, from), join(sandbox.path, to), { recursive: true });
    }
  };
  for (const to of ["", "examples"]) copy(join(folder, "examples"), to);
  if (folder === "") {
    for (const name of packages) copy(`packages/${name}/examples`, `packages/${name}/examples`);
  }
  const bin = join(sandbox.path, ".bin");
  writeBins(bin);
  const path = [bin, ...programs.map(dirname), dirname(process.execPath), "/usr/bin", "/bin"];
  const env = { HOME: sandbox.path, PATH: path.join(delimiter), ...world.env };
  const daemons: RunningCli[] = [];
  const write = (name: string, text: string) => {
    const file = join(sandbox.path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, replaced(text, world.instead));
  };
  for (const [name, text] of Object.entries(world.files ?? {})) write(name, text);
  return {
    write,
    async run(command) {
      const line = replaced(command, world.instead);
      const up = Object.entries(world.daemons ?? {}).find(([name]) => line.startsWith(name))?.[1];
      // A daemon takes the shell's place, so that ending the process ends it.
      const script = `exec 2>&1\n${up === undefined ? "" : "exec "}${line}`;
      const shell = startProcess("sh", ["-c", script], { cwd: sandbox.path, env });
      if (world.printed) shell.onOutput(world.printed);
      if (up === undefined) {
        const { code, stdout } = await shell.ended;
        return { code, output: stdout };
      }
      daemons.push(shell);
      await shell.printed(up);
      const output = shell.output().stdout;
      Object.assign(env, exportsIn(output));
      return { code: 0, output };
    },
    async [Symbol.asyncDispose]() {
      for (const daemon of daemons) daemon.kill("SIGTERM");
      await Promise.all(daemons.map(({ ended }) => ended));
      await world.close?.();
      sandbox[Symbol.dispose]();
    },
  };
}

/** What npx does with a package that is installed. */
const npx = `#!/bin/sh
while [ "\${1#-}" != "$1" ]; do shift; done
exec "$@"
`;

/** Our bins, from their sources, as npm would link them. */
function writeBins(folder: string): void {
  for (const name of packages) {
    const line = `exec '${process.execPath}' --disable-warning=ExperimentalWarning '${binOf(name)}' "$@"`;
    writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`);
  }
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o755);
}

/** The variables that a command tells its reader to export. */
function exportsIn(output: string): Record<string, string> {
  const lines = output.split("\n").filter((line) => line.startsWith("export "));
  const pairs = lines.flatMap((line) => [...line.matchAll(/ (\w+)=(\S+)/g)]);
  return Object.fromEntries(pairs.map(([, name = "", value = ""]) => [name, value]));
}

function replaced(text: string, instead: World["instead"] = {}): string {
  return Object.entries(instead).reduce((result, [from, to]) => result.replaceAll(from, to), text);
}
