import { type Program, runProgram } from "@internal/lib/command";
import packageJson from "../package.json" with { type: "json" };

const program: Program = {
  name: "kube-leader",
  version: packageJson.version,
  summary: packageJson.description,
  commands: [],
};

/** Runs the command line and returns the exit code. */
export function main(args: string[]): Promise<number> {
  return runProgram(program, args);
}
