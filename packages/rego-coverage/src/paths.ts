import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { InputError } from "./errors.ts";

/**
 * Sees that there is something at each path.
 *
 * @throws InputError for one that does not exist
 */
export async function checkPaths(paths: string[], cwd: string): Promise<void> {
  if (paths.length === 0) throw new InputError("no path given; give the folder of the policies");
  for (const path of paths) {
    try {
      await stat(resolve(cwd, path));
    } catch (error) {
      throw new InputError(
        `${path}: no such file or folder; give the folder of the policies: rego-coverage PATH`,
        { cause: error },
      );
    }
  }
}

/**
 * The folders that `--each` runs on their own: below each path the topmost ones that hold Rego files
 * themselves; a folder inside such a one belongs to it. A path that is a file stays as it is.
 */
export async function splitFolders(
  paths: string[],
  cwd: string,
  ignore: string[],
): Promise<string[]> {
  const patterns = ignore.map(globPattern);
  const below = async (path: string): Promise<string[]> => {
    const names = (await readdir(resolve(cwd, path))).sort();
    const kept = names.filter((name) => !patterns.some((pattern) => pattern.test(name)));
    const folders: string[] = [];
    for (const name of kept) {
      // As OPA does, it follows links.
      if ((await stat(resolve(cwd, path, name))).isDirectory()) folders.push(name);
      else if (name.endsWith(".rego")) return [path];
    }
    const inside = await Promise.all(folders.map((name) => below(join(path, name))));
    return inside.flat();
  };
  const found = await Promise.all(
    paths.map(async (path) =>
      (await stat(resolve(cwd, path))).isDirectory() ? below(path) : [path],
    ),
  );
  return [...new Set(found.flat())];
}

/** OPA's `--ignore` matches names with `*`, `?` and `[…]`, as Go's `filepath.Match` does. */
function globPattern(glob: string): RegExp {
  const source = glob.replace(
    /\\?[\s\S]/g,
    (piece) =>
      ({ "*": "[^/]*", "?": "[^/]", "[": "[", "]": "]", "-": "-", "^": "^" })[piece] ??
      piece.replace(/^\\/, "").replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"),
  );
  try {
    return new RegExp(`^${source}$`);
  } catch {
    return /(?!)/; // OPA takes a broken pattern for one that matches nothing
  }
}
