/**
 * Loaded into a child process by `node --import`: kills it around the n-th write of its journal. The product has
 * no such points itself. KILL_AT is `before:N`, `torn:N` (half of the line is written) or `after:N`.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const [moment, number] = (process.env["KILL_AT"] ?? "").split(":");
const { writeFileSync, writeSync } = fs;
let writes = 0;

fs.writeFileSync = ((file: number, text: string) => {
  // The journal is the only thing the tester writes by a descriptor.
  if (typeof file !== "number") return writeFileSync(file, text);
  writes += 1;
  const mine = writes === Number(number);
  if (mine && moment === "before") die();
  if (mine && moment === "torn") {
    writeSync(file, text.slice(0, text.length / 2));
    die();
  }
  writeFileSync(file, text);
  if (mine && moment === "after") die();
}) as typeof fs.writeFileSync;
syncBuiltinESMExports();

function die(): void {
  process.kill(process.pid, "SIGKILL");
}
