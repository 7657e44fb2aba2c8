import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { component } from "./components.ts";
import { describeReadme } from "./readme/describe.ts";
import { reasonNotToRun } from "./readme/not-run.ts";
import { readSteps } from "./readme/steps.ts";
import { worlds } from "./readme/worlds.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const folders = ["", ...readdirSync(join(root, "packages")).map((name) => `packages/${name}`)];
/** Its examples need the engine that Go builds: readme.cluster.test.ts. */
const elsewhere = "packages/rego-coverage";

for (const folder of folders.filter((each) => each !== elsewhere)) {
  const world = worlds[folder];
  const programs = async () => [await component("opa")];
  describeReadme(folder, { ...(world && { world }), ...(folder === "" && { programs }) });
}

test("what the READMEs show and no test runs", () => {
  const rows = folders.flatMap((folder) => {
    const file = join(folder, "README.md");
    return readSteps(readFileSync(join(root, file), "utf8"))
      .filter((step) => step.kind === "command")
      .map(({ line, command }) => ({
        at: `${file}:${line}`,
        command,
        needs: reasonNotToRun(command),
      }))
      .filter(({ needs }) => needs !== undefined);
  });
  for (const { at, command, needs } of rows) console.log(`not run: ${at}: ${command} (${needs})`);
  expect(rows.length).toBeGreaterThan(0);
});
