import { type ExecFileOptions, execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startGuard } from "../test/guard.ts";
import { nodeRelease } from "../tools/node-release.ts";
import type { Registry } from "./registry.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const execute = promisify(execFile);

/** Runs a command to its end; a failure carries all that it printed. */
export async function run(
  command: string,
  args: string[],
  options: ExecFileOptions = {},
): Promise<string> {
  try {
    const { stdout } = await execute(command, args, { maxBuffer: 2 ** 26, ...options });
    return String(stdout);
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(" ")}\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** A folder that is removed when its block ends, or this process, however it ends. */
export function temporaryFolder(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), "platform-packages-release-"));
  startGuard(path);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/**
 * Releases what is committed, in a clone, to a registry: versions by the commits, builds, publishes.
 *
 * @param folder an empty folder for the clone
 */
export async function release(folder: string, registry: Registry): Promise<void> {
  const clone = join(folder, "clone");
  await run("git", ["clone", "--quiet", root, clone]);
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"));
  for (const workspace of nestedModules()) {
    cpSync(join(root, workspace, "node_modules"), join(clone, workspace, "node_modules"), {
      recursive: true,
      verbatimSymlinks: true,
    });
  }
  // node_modules/ in .gitignore means a folder; the link must not make the tree dirty.
  writeFileSync(join(clone, ".git", "info", "exclude"), "node_modules\n");
  const who = { NAME: "Rehearsal", EMAIL: "rehearsal@example.com" };
  const env = {
    ...process.env,
    GIT_AUTHOR_NAME: who.NAME,
    GIT_AUTHOR_EMAIL: who.EMAIL,
    GIT_COMMITTER_NAME: who.NAME,
    GIT_COMMITTER_EMAIL: who.EMAIL,
    [`npm_config_${registry.url.slice("http:".length)}/:_authToken`]: "rehearsal",
  };
  const lerna = (...args: string[]) => run("npx", ["lerna", ...args], { cwd: clone, env });
  await lerna("version", "--yes", "--no-push");
  await lerna("run", "build");
  await lerna("publish", "from-package", "--yes", "--registry", `${registry.url}/`);
}

/** Workspaces whose dependencies npm could not hoist. */
function nestedModules(): string[] {
  const workspaces = [
    ...readdirSync(join(root, "packages")).map((name) => `packages/${name}`),
    "lib",
    "test",
  ];
  return workspaces.filter((workspace) =>
    readdirSync(join(root, workspace)).includes("node_modules"),
  );
}

/** A Node release with its npm, and what a user runs with them in a folder. */
export function nodeWithNpm(major: string): {
  node(cwd: string, ...args: string[]): Promise<string>;
  npm(cwd: string, ...args: string[]): Promise<string>;
  npx(cwd: string, ...args: string[]): Promise<string>;
} {
  const node = nodeRelease(major);
  const cli = npmFolder();
  // Without npm_* of the surrounding `npm run`, which would point the child at our own workspace.
  const clean = Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD)/i.test(name));
  const PATH = [dirname(node), process.env["PATH"]].join(delimiter);
  const env = { ...Object.fromEntries(clean), PATH, NODE_ENV: "" };
  const start = (cwd: string, args: string[]) => run(node, args, { cwd, env });
  return {
    node: (cwd, ...args) => start(cwd, args),
    npm: (cwd, ...args) => start(cwd, [join(cli, "npm-cli.js"), ...args]),
    npx: (cwd, ...args) => start(cwd, [join(cli, "npx-cli.js"), "--no-install", ...args]),
  };
}

/** Where the npm that started us has its scripts. */
function npmFolder(): string {
  const path = process.env["npm_execpath"];
  if (path === undefined) throw new Error("start the rehearsal with `npm run rehearse`");
  return dirname(path);
}

/** Makes an empty folder for a consumer of a package. */
export function consumerFolder(folder: string, name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(
    join(path, "package.json"),
    JSON.stringify({ name: "consumer", private: true, type: "module" }),
  );
  return path;
}
