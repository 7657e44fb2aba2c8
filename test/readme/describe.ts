import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firstDifference } from "./compare.ts";
import { reasonNotToRun } from "./not-run.ts";
import { makeSandbox, type Sandbox, type World } from "./sandbox.ts";
import { type CommandStep, readSteps } from "./steps.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Runs a README's examples in order, each as a test, and compares what they print with what the README shows.
 *
 * @param folder the README's folder in the repository, "" for the root's
 * @param options.world starts what its commands need
 * @param options.programs gives more programs for PATH, by absolute path
 */
export function describeReadme(
  folder: string,
  options: { world?: () => Promise<World>; programs?: () => Promise<string[]> } = {},
): void {
  const { world = async () => ({}), programs = async () => [] } = options;
  describe(`the examples of ${join(folder, "README.md")}`, () => {
    let sandbox: Sandbox;
    beforeAll(async () => {
      sandbox = makeSandbox(folder, await world(), await programs());
    });
    afterAll(() => sandbox[Symbol.asyncDispose]());

    for (const step of readSteps(readFileSync(join(root, folder, "README.md"), "utf8"))) {
      if (step.kind === "file") {
        test(`${step.name} is written`, () => sandbox.write(step.name, step.text));
      } else if (reasonNotToRun(step.command) === undefined) {
        test(`line ${step.line}: ${step.command}`, () => checkCommand(sandbox, step));
      }
    }
  });
}

async function checkCommand(sandbox: Sandbox, { command, output: shown }: CommandStep) {
  const { code, output } = await sandbox.run(command);
  const what = `$ ${command}\n${output}(exit code ${code})`;
  // Where the output is shown it says what went wrong; elsewhere nothing may.
  if (shown === undefined) expect(code, what).toBe(0);
  else expect(firstDifference(shown, output), what).toBeUndefined();
}
