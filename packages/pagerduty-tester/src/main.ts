import { type Program, runProgram } from "@internal/lib/command";
import packageJson from "../package.json" with { type: "json" };
import { check } from "./commands/check.ts";
import { fake } from "./commands/fake.ts";
import { next } from "./commands/next.ts";
import { notify } from "./commands/notify.ts";
import { renderCronJob, renderDeployment } from "./commands/render.ts";
import { report } from "./commands/report.ts";
import { run } from "./commands/run.ts";

const program: Program = {
  name: "pagerduty-tester",
  version: packageJson.version,
  summary: packageJson.description,
  commands: [run, check, next, notify, report, fake, renderDeployment, renderCronJob],
};

/** Runs the command line and returns the exit code. */
export function main(args: string[]): Promise<number> {
  return runProgram(program, args);
}
