import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Component } from "./catalogue.ts";
import { MissingComponentError } from "./missing.ts";

/**
 * Builds a component's program from the Go module pinned in `tools/`.
 * @throws MissingComponentError without Go; Error with Go's own words when the build fails.
 */
export async function build(
  component: Component,
  program: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<void> {
  const { name, version, build } = component;
  const started = Date.now();
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
  say(`${name} ${version}: building with Go; the first time takes ${build.takes} on two cores`);
  const progress = setInterval(() => say(`${name}: still building, ${seconds()}`), 15_000);
  try {
    await runGo(component, program, env);
  } finally {
    clearInterval(progress);
  }
  say(`${name}: built in ${seconds()}`);
}

async function runGo(component: Component, program: string, env: NodeJS.ProcessEnv) {
  const { folder, package: main, ldflags } = component.build;
  const go = spawn(
    "go",
    ["build", "-trimpath", "-ldflags", ldflags.join(" "), "-o", program, main],
    {
      cwd: folder,
      // Some of the modules ask for a newer Go than is installed; Go fetches it itself.
      env: { ...env, GOTOOLCHAIN: "auto", CGO_ENABLED: "0", GOWORK: "off" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  for (const stream of [go.stdout, go.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  try {
    const [code] = await once(go, "close");
    if (code === 0) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new MissingComponentError(component, "there is no Go to build it with");
  }
  const lastLines = output.trimEnd().split("\n").slice(-20).join("\n");
  throw new Error(`go build ${main} (in ${folder}) failed:\n${lastLines}`);
}
