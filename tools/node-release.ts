import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The Node releases our users run, each a line of the `node` package in npm: the newest we tried. */
export const nodeReleases: Record<string, string> = {
  "22": "22.23.3",
  "24": "24.21.0",
  "26": "26.10.0",
};

/** A Node release that some systems still bring, older than any the packages run on. */
export const oldNodeRelease = { "20": "20.20.2" };

/**
 * The absolute path of a Node release, taken from npm and kept in the user's cache.
 *
 * @param major `22`, `24` or `26`, or `20`, the old one
 * @throws when there is no such release here, or what was installed says another version
 */
export function nodeRelease(major: string): string {
  const known: Record<string, string> = { ...nodeReleases, ...oldNodeRelease };
  const version = known[major];
  if (version === undefined) {
    throw new Error(`Node ${major}: known are ${Object.keys(known).join(", ")}`);
  }
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const folder = join(cache, "platform-packages", `node-${version}`);
  const packageName = `node-${process.platform}-${process.arch}`;
  const bin = join(folder, "node_modules", packageName, "bin", "node");
  if (!existsSync(bin)) {
    mkdirSync(folder, { recursive: true });
    const args = ["install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund"];
    execFileSync("npm", [...args, `${packageName}@${version}`], { stdio: ["ignore", 2, 2] });
  }
  const says = execFileSync(bin, ["--version"], { encoding: "utf8" }).trim();
  if (says !== `v${version}`) throw new Error(`${bin} says ${says}, expected v${version}`);
  return bin;
}
