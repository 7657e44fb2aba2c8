import { available } from "./components.ts";

/** Before the unit suite: gets OPA, so that no test has to wait for its build. */
export default async function setup(): Promise<void> {
  await available("opa");
}
