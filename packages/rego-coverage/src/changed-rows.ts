import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { InputError } from "./errors.ts";

const run = promisify(execFile);

/** By absolute path (symbolic links resolved): rows, or `all` of a file that is new. */
export type ChangedRows = Map<string, Set<number> | "all">;

/** What has changed in one repository. */
export interface Changes {
  /**
   * The changed rows of a file, by its absolute path (symbolic links resolved); undefined when there are none.
   *
   * @throws InputError for a file that is not in this repository, or in another one inside it (a submodule)
   */
  of(path: string): Set<number> | "all" | undefined;
}

/**
 * The rows that the working tree has changed or added since a revision, with the files git does not know yet.
 * It compares with the point where the present branch left `base`, as a pull request does.
 *
 * @throws InputError when git cannot tell: no repository, no such revision
 */
export async function changesSince(
  base: string,
  cwd: string,
  signal?: AbortSignal,
): Promise<Changes> {
  const git = async (...args: string[]) => {
    const { stdout } = await run("git", [...plainConfig, ...args], {
      cwd,
      maxBuffer: 2 ** 30,
      ...(signal === undefined ? {} : { signal }),
    });
    return stdout;
  };
  try {
    const root = resolve((await git("rev-parse", "--show-toplevel")).replace(/\r?\n$/, ""));
    const commit = await git("rev-parse", "--verify", "--end-of-options", `${base}^{commit}`).then(
      (found) => found.trim(),
      async (error: unknown) => {
        if (signal?.aborted) throw error;
        const shallow = (await git("rev-parse", "--is-shallow-repository")).trim() === "true";
        const mend = shallow ? "; the clone is shallow, so fetch it (fetch-depth: 0)" : "";
        throw new InputError(`--changed ${base}: git knows no such revision here${mend}`, {
          cause: error,
        });
      },
    );
    const from = await git("merge-base", commit, "HEAD").then(
      (found) => found.trim(),
      () => commit, // a shallow clone does not have it
    );
    const rows = parseDiff(await git("diff", ...plainDiff, from, "--", root), root);
    const added = await git(
      "ls-files",
      "--others",
      "--exclude-standard",
      "--full-name",
      "-z",
      root,
    );
    for (const file of added.split("\0").filter((name) => name !== "")) {
      rows.set(resolve(root, file), "all");
    }
    return {
      of(path) {
        if (isIn(root, path)) return rows.get(path);
        throw new InputError(
          `--changed ${base}: ${path} is not in the git repository ${root} itself; run rego-coverage in its own`,
        );
      },
    };
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

/** Against the settings of users that give a diff another form. */
const plainConfig = ["core.quotePath", "diff.noprefix", "diff.mnemonicPrefix"].flatMap((name) => [
  "-c",
  `${name}=false`,
]);
const plainDiff = [
  "--unified=0",
  "--find-renames",
  "--text",
  "--no-color",
  "--no-ext-diff",
  "--no-textconv",
  "--no-relative",
];

/** Whether git's nearest repository above a file is this one. */
function isIn(root: string, path: string): boolean {
  for (let folder = dirname(path); folder !== root; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git")) || folder === dirname(folder)) return false;
  }
  return true;
}

/** The rows that a diff adds or changes, by the file's new name. */
export function parseDiff(diff: string, root: string): ChangedRows {
  const changed: ChangedRows = new Map();
  let rows = new Set<number>();
  let row = 0;
  let left = { old: 0, new: 0 }; // of the present hunk: a changed line may look like a header's
  for (const line of diff.split("\n")) {
    if (left.old > 0 || left.new > 0) {
      const [sign] = line;
      if (sign === "+") rows.add(row);
      if (sign !== "-" && sign !== "\\") {
        row++;
        left.new--;
      }
      if (sign !== "+" && sign !== "\\") left.old--;
      continue;
    }
    const path = /^\+\+\+ (.*?)\t?$/.exec(line)?.[1];
    if (path !== undefined) {
      rows = new Set();
      const name = unquoted(path);
      if (name.startsWith("b/")) changed.set(resolve(root, name.slice(2)), rows);
    }
    const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (hunk === null) continue;
    row = Number(hunk[2]);
    left = { old: Number(hunk[1] ?? 1), new: Number(hunk[3] ?? 1) };
  }
  return changed;
}

const escapes: Record<string, string> = {
  a: "\x07",
  b: "\b",
  t: "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
};

/** A name as git writes it: in quotes, with C's escapes and bytes in octal, where it holds quotes or the like. */
function unquoted(name: string): string {
  if (!name.startsWith('"')) return name;
  const bytes = name
    .slice(1, -1)
    .match(/\\[0-7]{3}|\\.|[^\\]+/gs)
    ?.map((piece) => {
      if (!piece.startsWith("\\")) return Buffer.from(piece);
      const escaped = piece.slice(1);
      if (escaped.length === 3) return Buffer.from([Number.parseInt(escaped, 8)]);
      return Buffer.from(escapes[escaped] ?? escaped);
    });
  return Buffer.concat(bytes ?? []).toString("utf8");
}
