import { type Program, runProgram } from "@internal/lib/command";
import packageJson from "../package.json" with { type: "json" };
import { check } from "./commands/check.ts";
import { explain } from "./commands/explain.ts";
import { fix } from "./commands/fix.ts";
import { renderGatekeeper } from "./commands/render-gatekeeper.ts";
import { renderRbacCommand } from "./commands/render-rbac.ts";
import { renderRegoCommand } from "./commands/render-rego.ts";
import { renderVap } from "./commands/render-vap.ts";

const program: Program = {
  name: "istio-port-policy",
  version: packageJson.version,
  summary: packageJson.description,
  commands: [
    check,
    explain,
    fix,
    renderGatekeeper,
    renderVap,
    renderRegoCommand,
    renderRbacCommand,
  ],
};

/** Runs the command line and returns the exit code. */
export function main(args: string[]): Promise<number> {
  return runProgram(program, args);
}
