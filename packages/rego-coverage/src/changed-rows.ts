import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { InputError } from "./errors.ts";

const run = promisify(execFile);

/** By absolute path (symbolic links resolved): rows, or `all` of a file that is new. */
export type ChangedRows = Map<string, Set<number> | "all">;

/**
 * The rows that the working tree has changed or added since a revision, with the files git does not know yet.
 * It compares with the point where the present branch left `base`, as a pull request does.
 *
 * @throws InputError when git cannot tell: no repository, no such revision
 */
export async function changedRows(
  base: string,
  cwd: string,
  signal?: AbortSignal,
): Promise<ChangedRows> {
  const git = async (...args: string[]) => {
    const { stdout } = await run("git", ["-c", "core.quotePath=false", ...args], {
      cwd,
      maxBuffer: 2 ** 30,
      ...(signal === undefined ? {} : { signal }),
    });
    return stdout;
  };
  try {
    const root = (await git("rev-parse", "--show-toplevel")).trimEnd();
    const commit = await git("rev-parse", "--verify", "--end-of-options", `${base}^{commit}`).then(
      (found) => found.trim(),
      (error: unknown) => {
        if (signal?.aborted) throw error;
        throw new InputError(`--changed ${base}: git knows no such revision here`, {
          cause: error,
        });
      },
    );
    const from = await git("merge-base", commit, "HEAD").then(
      (found) => found.trim(),
      () => commit, // a shallow clone does not have it
    );
    const diff = await git(
      "diff",
      "--unified=0",
      "--no-color",
      "--no-ext-diff",
      "--no-renames",
      from,
      "--",
      root,
    );
    const added = await git(
      "ls-files",
      "--others",
      "--exclude-standard",
      "--full-name",
      "-z",
      root,
    );
    const rows = parseDiff(diff, root);
    for (const file of added.split("\0").filter((name) => name !== "")) {
      rows.set(resolve(root, file), "all");
    }
    return rows;
  } catch (error) {
    if (error instanceof InputError) throw error;
    if (error instanceof Error && error.name === "AbortError") throw error;
    const { stderr = "", message } = error as { stderr?: string; message: string };
    const [why = message] = stderr.trim().split("\n");
    throw new InputError(`--changed ${base}: git: ${why.replace(/^fatal: /, "")}`, {
      cause: error,
    });
  }
}

/** The new side of each hunk of `git diff --unified=0`. */
export function parseDiff(diff: string, root: string): ChangedRows {
  const changed: ChangedRows = new Map();
  let rows = new Set<number>();
  let header = true; // a changed line may look like a header's
  for (const line of diff.split("\n")) {
    if (line.startsWith("diff --git ")) header = true;
    const path = header ? /^\+\+\+ "?b\/(.*?)"?\t?$/.exec(line)?.[1] : undefined;
    if (path !== undefined) {
      rows = new Set();
      changed.set(resolve(root, path), rows);
    }
    const hunk = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (hunk === null) continue;
    header = false;
    const start = Number(hunk[1]);
    for (let row = start; row < start + Number(hunk[2] ?? 1); row++) rows.add(row);
  }
  return changed;
}
