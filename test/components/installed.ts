import { execFile } from "node:child_process";
import { access, constants, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { promisify } from "node:util";
import type { Component } from "./catalogue.ts";
import { variableOf } from "./missing.ts";

/**
 * A component's program where the environment variable or PATH has one of a version that fits.
 * @throws Error when the variable names something that is no such program: it was set on purpose.
 */
export async function findInstalled(
  component: Component,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<string | undefined> {
  const variable = variableOf(component.name);
  const named = env[variable];
  if (named) {
    const path = resolve(named);
    if (!(await isExecutable(path))) throw new Error(`${variable}=${named}: no program there`);
    const misfit = await whyNot(component, path);
    if (misfit !== undefined) throw new Error(`${variable}=${named}: ${misfit}`);
    return path;
  }
  for (const folder of (env["PATH"] ?? "").split(delimiter).filter(isAbsolute)) {
    const path = join(folder, component.program);
    if (!(await isExecutable(path))) continue;
    const misfit = await whyNot(component, path);
    if (misfit === undefined) return path;
    say(`${component.name}: ${path} is not used, ${misfit}`);
  }
  return undefined;
}

/** Whether a file is there that this user may run. */
export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** What makes a program unfit for a component; undefined when it does. */
async function whyNot(component: Component, path: string): Promise<string | undefined> {
  const { accepts, versionArguments } = component;
  if (accepts === undefined) return undefined;
  const { from, before } = accepts;
  const printed = await promisify(execFile)(path, versionArguments, { timeout: 20_000 }).then(
    ({ stdout, stderr }) => stdout + stderr,
    (error: Error) => error.message,
  );
  const version = printed.match(/\d+\.\d+\.\d+/)?.[0];
  if (version === undefined) return `it does not say its version: ${printed.slice(0, 200)}`;
  const fits = compareVersions(version, from) >= 0 && compareVersions(version, before) < 0;
  return fits ? undefined : `it is ${version}, and this needs ${from} or later, before ${before}`;
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  for (let part = 0; part < 3; part++) {
    const difference = (left?.[part] ?? 0) - (right?.[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
