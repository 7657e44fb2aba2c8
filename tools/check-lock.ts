/**
 * Fails when package-lock.json misses a platform.
 *
 * A registry mirror may serve one platform's binaries earlier than the others'; `npm install` then
 * leaves the missing ones out without a word, and `npm ci` fails on that platform. So: every optional
 * dependency named in the lock must be locked itself, and the native packages must cover all platforms.
 */
import { readFileSync } from "node:fs";
import { posix } from "node:path";

interface Locked {
  optionalDependencies?: Record<string, string>;
  os?: string[];
  cpu?: string[];
  resolved?: string;
}

const platforms = ["linux", "darwin", "win32"].flatMap((os) =>
  ["x64", "arm64"].map((cpu) => ({ os, cpu })),
);
const file = process.argv[2] ?? new URL("../package-lock.json", import.meta.url);
const packages: Record<string, Locked> = JSON.parse(readFileSync(file, "utf8")).packages;
const problems: string[] = [];

/** Where `name`, required from `from`, is locked: in the nearest node_modules upwards. */
function lockedPath(from: string, name: string): string | undefined {
  for (let folder = from; ; ) {
    const path = posix.join(folder, "node_modules", name);
    if (packages[path]) return path;
    if (folder === "") return undefined;
    const parent = folder.lastIndexOf("node_modules/");
    folder = parent <= 0 ? "" : folder.slice(0, parent - 1);
  }
}

let checked = 0;
for (const [path, { optionalDependencies }] of Object.entries(packages)) {
  const names = Object.keys(optionalDependencies ?? {});
  const natives: Locked[] = [];
  for (const name of names) {
    checked++;
    const found = lockedPath(path, name);
    if (found === undefined) problems.push(`${path}: ${name} is not in the lock`);
    else if (packages[found]?.os && packages[found]?.cpu) natives.push(packages[found]);
  }
  // A package that ships binaries ships them for all six, or one for any processor.
  if (natives.length < 4) continue;
  for (const { os, cpu } of platforms) {
    if (!natives.some((native) => native.os?.includes(os) && native.cpu?.includes(cpu))) {
      problems.push(`${path}: no binary for ${os}-${cpu} is locked`);
    }
  }
}
for (const [path, { resolved }] of Object.entries(packages)) {
  if (resolved?.startsWith("http")) problems.push(`${path}: the lock names a registry host`);
}
if (checked === 0) problems.push("no optional dependency found: is this the right lock file?");

if (problems.length > 0) {
  console.error(`package-lock.json is not complete:\n  ${problems.join("\n  ")}`);
  console.error(
    "Mend: pin the parent to a version whose binaries are all served (overrides), then",
  );
  console.error("rm -rf node_modules package-lock.json && npm install");
  process.exit(1);
}
console.log(`package-lock.json: ${checked} optional dependencies locked, all six platforms`);
