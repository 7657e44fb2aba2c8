import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { startGuard } from "../guard.ts";
import { type BuildMeans, build } from "./build.ts";
import type { Component } from "./catalogue.ts";
import { DownloadError, download } from "./download.ts";
import { findInstalled, isExecutable } from "./installed.ts";
import { holdingLock } from "./lock.ts";

export interface ProvideOptions {
  /** Where provisioned programs are kept. */
  cacheFolder: string;
  /** @default process.env */
  env?: NodeJS.ProcessEnv;
  /** Takes a line of progress. @default writes it to stderr */
  say?: (line: string) => void;
}

/** Finds a component's program or gets it: environment, PATH, cache, release, `go build`. */
export async function provide(component: Component, options: ProvideOptions): Promise<string> {
  const { cacheFolder, env = process.env, say = sayOnStderr } = options;
  const installed = await findInstalled(component, env, say);
  if (installed !== undefined) return installed;

  const path = cachedPath(component, cacheFolder);
  if (await isExecutable(path)) return path;
  await mkdir(cacheFolder, { recursive: true });
  return await holdingLock(join(cacheFolder, "lock"), say, async () => {
    if (await isExecutable(path)) return path; // another process was quicker
    const partial = join(cacheFolder, "partial");
    await rm(partial, { recursive: true, force: true }); // of a process that was killed
    await mkdir(partial);
    const guard = startGuard(partial);
    try {
      const program = join(partial, component.program);
      await obtain(component, program, { env, say, guard });
      await mkdir(dirname(path), { recursive: true });
      await rename(program, path);
      return path;
    } finally {
      await guard.close();
    }
  });
}

/** Where a component's program is kept: a folder for each version and platform, so that it fits on PATH. */
export function cachedPath({ name, version, program }: Component, cacheFolder: string): string {
  return join(cacheFolder, `${name}-${version}-${process.platform}-${process.arch}`, program);
}

/** From the release where that is possible, else by a build. */
async function obtain(component: Component, program: string, means: BuildMeans): Promise<void> {
  const { say } = means;
  const release = component.downloads[`${process.platform}-${process.arch}`];
  if (release !== undefined) {
    try {
      return await download(release, program, (line) => say(`${component.name}: ${line}`));
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      say(`${component.name}: ${error.message}; building it instead`);
    }
  }
  await build(component, program, means);
}

function sayOnStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}
