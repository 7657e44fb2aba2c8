import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { beforeAll } from "vitest";
import { component } from "./components.ts";
import { describeReadme } from "./readme/describe.ts";

const folder = "packages/rego-coverage";

beforeAll(() => {
  const cwd = fileURLToPath(new URL(`../${folder}`, import.meta.url));
  execFileSync(process.execPath, ["scripts/build-engine.ts"], { cwd });
}, 600_000);

describeReadme(folder, { programs: async () => [await component("opa")] });
