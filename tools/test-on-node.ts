/** Runs `npm test`'s suite on another Node release, called by absolute path: `node tools/test-on-node.ts 22` */
import { spawnSync } from "node:child_process";
import { nodeRelease } from "./node-release.ts";

const [major = "", ...args] = process.argv.slice(2);
const node = nodeRelease(major);
console.log(`${node} ${spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim()}`);
const { status } = spawnSync(
  node,
  ["node_modules/vitest/vitest.mjs", "run", "--project", "unit", ...args],
  { stdio: "inherit", env: { ...process.env, EXPECTED_NODE_MAJOR: major } },
);
process.exit(status ?? 1);
