import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { cannotWrite } from "./errors.ts";

/**
 * Makes a folder, and those above it that are missing. Node's own recursive `mkdir` never ends below `/proc`, where
 * a folder that exists answers that it does not.
 *
 * @returns the folders that were not there, the outermost first
 * @throws UsageError when one cannot be made
 */
export async function makeFolders(path: string): Promise<string[]> {
  const folder = resolve(path);
  try {
    return await make(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw cannotWrite(path, error);
  }
  const above = await makeFolders(dirname(folder));
  try {
    return [...above, ...(await make(folder))];
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/** @returns the folder, or nothing when it is there */
async function make(folder: string): Promise<string[]> {
  try {
    await mkdir(folder);
    return [folder];
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === "EEXIST";
    if (exists && (await stat(folder)).isDirectory()) return [];
    throw error;
  }
}
