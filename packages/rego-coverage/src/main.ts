import { type Program, runProgram } from "@internal/lib/command";
import packageJson from "../package.json" with { type: "json" };
import { coverageCommand } from "./commands/coverage.ts";

const program: Program = {
  name: "rego-coverage",
  version: packageJson.version,
  summary: packageJson.description,
  commands: [coverageCommand],
  exitCodes:
    "Exit codes: 0 covered; 1 a test failed, none ran, or lines are not covered; 2 it could not begin (usage, policies that OPA cannot load, no OPA).",
};

/** Runs the command line and returns the exit code. */
export function main(args: string[]): Promise<number> {
  return runProgram(program, args);
}
