import { mkdtemp, readdir, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { cannotWrite } from "@internal/lib/errors";
import { makeFolders } from "@internal/lib/folders";

/**
 * Fills a folder so that nobody finds it half filled: first a folder inside it, whose files then move up. What else is
 * in the folder stays.
 *
 * @param fill writes the files into the folder that it is given
 * @throws UsageError when it cannot be written; nothing is left of it then
 */
export async function writeWholeFolder(
  folder: string,
  fill: (inside: string) => Promise<void>,
): Promise<void> {
  let made: string[] = [];
  try {
    made = await makeFolders(folder);
    const inside = await mkdtemp(join(folder, ".rego-coverage-"));
    try {
      await fill(inside);
      await moveFiles(inside, folder);
    } finally {
      await rm(inside, { recursive: true });
    }
  } catch (error) {
    for (const empty of made.toReversed()) await rmdir(empty).catch(() => {});
    throw cannotWrite(folder, error);
  }
}

async function moveFiles(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      await makeFolders(target);
      await moveFiles(source, target);
    } else await rename(source, target);
  }
}
