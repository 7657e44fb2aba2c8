/**
 * The real components that tests run against: OPA, a Kubernetes control plane, Gatekeeper's `gator`, kwok.
 *
 *     const opa = await component("opa"); // the absolute path of the program
 *
 * A component comes from the first of these that has it:
 * 1. the environment variable `TEST_ASSET_NAME` (`TEST_ASSET_OPA`, `TEST_ASSET_KUBE_APISERVER`, …);
 * 2. PATH, if the program there is of a version that the tests are written for;
 * 3. the cache: `$XDG_CACHE_HOME` (or `~/.cache`) `/platform-packages`;
 * 4. the official release, where its checksum is pinned;
 * 5. `go build` of the module pinned in `tools/`, which takes minutes the first time.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { type ComponentName, catalogue } from "./components/catalogue.ts";
import { MissingComponentError } from "./components/missing.ts";
import { provide } from "./components/provide.ts";

export type { ComponentName } from "./components/catalogue.ts";
export { MissingComponentError } from "./components/missing.ts";

const provided = new Map<ComponentName, Promise<string>>();

/**
 * The absolute path of a component's program, provisioned when it is not here yet.
 * Safe to call from many processes at once: one of them provisions, the others wait.
 * @throws MissingComponentError when nothing can provide it; its message says how to get it.
 */
export function component(name: ComponentName): Promise<string> {
  const path = provided.get(name) ?? provide(catalogue[name], { cacheFolder: cacheFolder() });
  provided.set(name, path);
  return path;
}

/**
 * Whether these components are here, for `test.runIf(await available("opa"))`. When one is missing,
 * that is an error in CI; elsewhere one line says what is not run and how to get it.
 */
export async function available(...names: ComponentName[]): Promise<boolean> {
  try {
    for (const name of names) await component(name);
    return true;
  } catch (error) {
    if (!(error instanceof MissingComponentError) || process.env["CI"]) throw error;
    process.stderr.write(`Not run here, what needs ${names.join(", ")}: ${error.message}\n`);
    return false;
  }
}

/** Where provisioned components are kept between runs. */
export function cacheFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "platform-packages");
}
