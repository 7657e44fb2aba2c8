import { type Program, runProgram } from "@internal/lib/command";
import type { Signals } from "@internal/lib/signals";
import packageJson from "../package.json" with { type: "json" };
import { lead } from "./commands/lead.ts";
import { renderDeploymentCommand, renderRbacCommand } from "./commands/render.ts";
import { status } from "./commands/status.ts";
import { blockingIo } from "./notes.ts";

const program: Program = {
  name: "kube-leader",
  version: packageJson.version,
  summary: packageJson.description,
  commands: [lead, status, renderRbacCommand, renderDeploymentCommand],
  exitCodes:
    "Exit codes: the command's own; 2 for kube-leader's failures; 124 after --timeout; 143 or 130 when a signal ended the wait; 127 or 126 when the command cannot be run. status: 1 when nobody leads.",
};

/** Runs the command line and returns the exit code, unless the process becomes the command. */
export function main(args: string[], signals: Signals): Promise<number> {
  return runProgram(program, args, blockingIo(takeEnv()), signals);
}

/** What the command gets. One variable is none of our business: Node would warn of it at each connection of ours. */
function takeEnv(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  return env;
}
