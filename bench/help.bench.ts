/** What a bin adds to the start of Node before it can say anything: `--help` of each beside `node` with an empty file. */
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { makeFolder } from "@internal/test/folder";
import { printClaims } from "./report.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const rounds = 15;
const budgetMs = 100;

execFileSync("npm", ["run", "--silent", "build"], {
  cwd: root,
  stdio: ["ignore", "ignore", "inherit"],
});
using folder = makeFolder({ "empty.js": "" });
const bins = readdirSync(`${root}packages`);
const bare: number[] = [];
const samples = new Map(bins.map((name) => [name, [] as number[]]));
// In turn, so that a busy moment of the machine meets all of them; the least of each is what it cannot do without.
for (let round = 0; round < rounds; round++) {
  bare.push(milliseconds([`${folder.path}/empty.js`]));
  for (const [name, times] of samples) {
    times.push(milliseconds([`${root}packages/${name}/dist/cli.js`, "--help"]));
  }
}

const node = Math.min(...bare);
printClaims(
  "--help of every bin",
  [...samples].map(([name, times]) => {
    const least = Math.min(...times);
    const over = least - node;
    return {
      claim: name,
      ours: `${least.toFixed(0)} ms`,
      peer: `bare Node ${node.toFixed(0)} ms`,
      figure: `${over.toFixed(0)} ms over`,
      budget: `≤ ${budgetMs} ms over`,
      gated: false,
      met: over <= budgetMs,
    };
  }),
);

function milliseconds(args: string[]): number {
  const start = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`${args.join(" ")} exited ${status}`);
  return performance.now() - start;
}
