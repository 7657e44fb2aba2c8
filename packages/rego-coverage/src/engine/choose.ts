import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { EngineError } from "../errors.ts";
import { embeddedEngine, embeddedExists } from "./embedded.ts";
import type { Engine } from "./engine.ts";
import { nativeEngine } from "./native.ts";

/**
 * The engine to use: the given command line, `$OPA`, `opa` on the PATH, else the one inside the package.
 *
 * @throws EngineError when there is none
 */
export async function chooseEngine(
  given: string[] | undefined,
  cwd: string,
  signal?: AbortSignal | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Engine> {
  if (given !== undefined && given.length > 0) return nativeEngine(given, cwd, signal);
  const named = env["OPA"]?.trim();
  if (named) return nativeEngine(splitCommand(named), cwd, signal);
  if (await onPath("opa", env)) return nativeEngine(["opa"], cwd, signal);
  if (embeddedExists()) return embeddedEngine(cwd, signal);
  throw new EngineError(
    "no opa on the PATH, and this build has no embedded engine; install OPA (https://www.openpolicyagent.org/docs/#running-opa) or give its command line with --opa",
  );
}

/** A command line split on blanks, without a shell: `go run ./cmd/opa`. */
export function splitCommand(line: string): string[] {
  return line.split(/\s+/).filter((word) => word !== "");
}

async function onPath(name: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const endings = process.platform === "win32" ? [".exe", ".cmd"] : [""];
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    for (const ending of endings) {
      try {
        await access(join(folder || ".", name + ending), constants.X_OK);
        return true;
      } catch {
        // not here
      }
    }
  }
  return false;
}
