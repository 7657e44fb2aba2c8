import { available } from "./components.ts";
import { startRunFolder } from "./run-folder.ts";

/** Before the unit suite: a folder for its files, and OPA, so that no test has to wait for its build. */
export default async function setup(): Promise<() => Promise<void>> {
  const folder = startRunFolder();
  await available("opa");
  return folder.close;
}
