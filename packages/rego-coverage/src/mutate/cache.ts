import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { writeWhole } from "@internal/lib/formats";

/** A value kept under the hash of all that it depends on. */
export interface CacheEntry<T> {
  read(): Promise<T | undefined>;
  write(value: T): Promise<void>;
}

/** The entry for these files' contents and settings, in the user's cache folder. */
export async function cacheEntry<T>(
  paths: string[],
  cwd: string,
  settings: unknown,
): Promise<CacheEntry<T>> {
  const sum = createHash("sha256").update(JSON.stringify(settings));
  for (const path of paths) await addContents(sum, path, cwd);
  const folder = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "rego-coverage");
  const file = join(folder, `${sum.digest("hex")}.json`);
  return {
    async read() {
      try {
        return JSON.parse(await readFile(file, "utf8")) as T;
      } catch {
        return undefined;
      }
    },
    async write(value) {
      await mkdir(folder, { recursive: true });
      await writeWhole(file, JSON.stringify(value));
    },
  };
}

async function addContents(sum: ReturnType<typeof createHash>, path: string, cwd: string) {
  const full = resolve(cwd, path);
  if ((await stat(full)).isDirectory()) {
    for (const name of (await readdir(full)).sort()) await addContents(sum, join(path, name), cwd);
  } else {
    sum.update(`\0${path}\0`).update(await readFile(full));
  }
}
