import type { Io } from "@internal/lib/io";

/** How often a log is told, in milliseconds. */
const pace = 60_000;

/** Tells on stderr how many changes have been tried: a terminal in one line that counts up, a log once a minute. */
export function mutantProgress(stderr: Io["stderr"]): (done: number, all: number) => void {
  let told = Date.now();
  return (done, all) => {
    if (stderr.isTTY) {
      stderr.write(`\rchanges tried: ${done} of ${all}${done === all ? "\n" : ""}`);
    } else if (Date.now() - told >= pace) {
      told = Date.now();
      stderr.write(`rego-coverage: changes tried: ${done} of ${all}\n`);
    }
  };
}
