import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { Guard } from "../guard.ts";
import type { Component } from "./catalogue.ts";
import { MissingComponentError } from "./missing.ts";

/** What a build works with. */
export interface BuildMeans {
  env: NodeJS.ProcessEnv;
  /** Takes a line of progress. */
  say: (line: string) => void;
  /** Ends Go when this process ends. */
  guard: Guard;
}

/**
 * Builds a component's program from the Go module pinned in `tools/`.
 * @throws MissingComponentError without Go; Error with Go's own words when the build fails.
 */
export async function build(
  component: Component,
  program: string,
  { env, say, guard }: BuildMeans,
): Promise<void> {
  const { name, version, build } = component;
  const go = await startGo(component, program, env);
  guard.watch([-Number(go.pid)]);
  const started = Date.now();
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
  say(`${name} ${version}: building with Go; the first time takes ${build.takes} on two cores`);
  const progress = setInterval(() => say(`${name}: still building, ${seconds()}`), 15_000);
  const [output, errors, [code]] = await Promise.all([
    text(go.stdout),
    text(go.stderr),
    once(go, "close"),
  ]).finally(() => clearInterval(progress));
  guard.watch([]);
  if (code !== 0) {
    const lastLines = `${output}${errors}`.trimEnd().split("\n").slice(-20).join("\n");
    throw new Error(`go build ${build.package} (in ${build.folder}) failed:\n${lastLines}`);
  }
  say(`${name}: built in ${seconds()}`);
}

async function startGo(component: Component, program: string, env: NodeJS.ProcessEnv) {
  const { folder, package: main, ldflags } = component.build;
  const flags = ["-trimpath", "-ldflags", ldflags.join(" ")];
  const go = spawn("go", ["build", ...flags, "-o", program, main], {
    cwd: folder,
    // Some of the modules ask for a newer Go than is installed; Go fetches it itself.
    env: { ...env, GOTOOLCHAIN: "auto", CGO_ENABLED: "0", GOWORK: "off" },
    // Go and the compilers it starts are one process group, so that all of them can be ended.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    await once(go, "spawn");
  } catch {
    throw new MissingComponentError(component, "there is no Go to build it with");
  }
  return go;
}
