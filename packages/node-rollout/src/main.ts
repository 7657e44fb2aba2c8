import { type Program, runProgram } from "@internal/lib/command";
import packageJson from "../package.json" with { type: "json" };
import { auditCommand } from "./commands/audit.ts";
import { drainCommand } from "./commands/drain.ts";
import { readyCommand } from "./commands/ready.ts";
import { renderCommands } from "./commands/render.ts";
import { replayCommand } from "./commands/replay.ts";
import { runCommand } from "./commands/run.ts";
import { statusCommand } from "./commands/status.ts";

const program: Program = {
  name: "node-rollout",
  version: packageJson.version,
  summary: packageJson.description,
  commands: [
    runCommand,
    drainCommand,
    readyCommand,
    auditCommand,
    statusCommand,
    replayCommand,
    ...renderCommands,
  ],
};

/** Runs the command line and returns the exit code. */
export function main(args: string[]): Promise<number> {
  return runProgram(program, args);
}
