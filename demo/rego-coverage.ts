import { fileURLToPath } from "node:url";
import { type Demo, say, show } from "./show.ts";

const cwd = fileURLToPath(new URL("../packages/rego-coverage/examples", import.meta.url));

export const demo: Demo = {
  name: "rego-coverage",
  says: "runs the tests of OPA policies and fails on every policy line that no test exercises",
  async run() {
    const { component } = await import("@internal/test/components");
    const env = { OPA: await component("opa") };
    say("No test asks for a NodePort, so the rule against it is not exercised:");
    await show("rego-coverage", ["policies"], { cwd, env, exits: [1] });
  },
};
