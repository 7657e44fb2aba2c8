import { createHash, type Hash } from "node:crypto";
import { readdir, readFile, rm, stat, utimes } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { makeFolders } from "@internal/lib/folders";
import { writeWhole } from "@internal/lib/formats";

/** A value kept under the hash of all that it depends on. */
export interface CacheEntry<T> {
  read(): Promise<T | undefined>;
  /** Keeps the value, unless the folder cannot be written: without a cache it only takes longer. */
  write(value: T): Promise<void>;
}

/** What OPA loads from a folder. */
const loaded = /\.(rego|json|ya?ml|tar\.gz)$/;

/** How long an entry is kept that no run uses. */
const keptMs = 30 * 24 * 3600 * 1000;

/** The entry for these files' contents and settings, in the user's cache folder. */
export async function cacheEntry<T>(
  paths: string[],
  cwd: string,
  settings: unknown,
): Promise<CacheEntry<T>> {
  const sum = createHash("sha256").update(JSON.stringify(settings));
  for (const path of paths) await addContents(sum, path, cwd);
  const folder = cacheFolder();
  const file = join(folder, sum.digest("hex"));
  return {
    async read() {
      const [, sum, text = ""] =
        /^(\w+)\n(.*)$/s.exec(await readFile(file, "utf8").catch(() => "")) ?? [];
      if (sum !== hash(text)) return undefined; // one that was damaged is none
      const now = new Date();
      await utimes(file, now, now).catch(() => {}); // a folder that cannot be written serves as well
      return JSON.parse(text) as T;
    },
    async write(value) {
      const text = JSON.stringify(value);
      try {
        await makeFolders(folder);
        await writeWhole(file, `${hash(text)}\n${text}`);
      } catch {
        // the next run finds out again
      }
    },
  };
}

/** Removes the entries that no run has used for 30 days, as far as the folder can be written. */
export async function removeUnusedEntries(): Promise<void> {
  const folder = cacheFolder();
  const names = await readdir(folder).catch(() => []);
  const entries = names.filter((name) => /^[0-9a-f]{64}$/.test(name));
  const oldest = Date.now() - keptMs;
  for (const path of entries.map((name) => join(folder, name))) {
    // Another run may have removed it.
    const used = (await stat(path).catch(() => undefined))?.mtimeMs;
    if (used !== undefined && used < oldest) await rm(path, { force: true }).catch(() => {});
  }
}

function cacheFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "rego-coverage");
}

/** Adds a file, or those below a folder that OPA loads; like OPA it follows links. */
async function addContents(sum: Hash, path: string, cwd: string): Promise<void> {
  const full = resolve(cwd, path);
  if ((await stat(full)).isDirectory()) {
    for (const name of (await readdir(full)).sort()) {
      const inside = join(path, name);
      const isFolder = (await stat(resolve(cwd, inside))).isDirectory();
      if (isFolder || loaded.test(name)) await addContents(sum, inside, cwd);
    }
  } else {
    sum.update(`\0${path}\0`).update(await readFile(full));
  }
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
