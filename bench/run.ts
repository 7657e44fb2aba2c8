/** Runs every benchmark, one process each, and fails when one of them does. `npm run bench [NAME…]` */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

const chosen = process.argv.slice(2);
const files = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".bench.ts"))
  .filter((file) => chosen.length === 0 || chosen.some((name) => file.includes(name)));
if (files.length === 0) {
  console.error(`bench: no benchmark matches ${chosen.join(" ")}`);
  process.exit(2);
}
const failed = files.filter((file) => {
  const { status } = spawnSync(process.execPath, [`${import.meta.dirname}/${file}`], {
    stdio: "inherit",
  });
  return status !== 0;
});
if (failed.length > 0) {
  console.error(`\nbench: over budget or broken: ${failed.join(", ")}`);
  process.exit(1);
}
