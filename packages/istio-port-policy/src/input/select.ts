import type { Dirent } from "node:fs";
import { realpathSync } from "node:fs";
import { glob, readdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { messageOf } from "@internal/lib/errors";
import { GitIgnore } from "./git-ignore.ts";

/** A file to read, or why a path leads to none. */
export interface SelectedFile {
  file: string;
  /** Found in a folder or by a glob, so that what is plainly no manifest may be passed over. */
  searched: boolean;
  missing?: string;
}

/**
 * The files that paths stand for, in order: a file itself, a folder's YAML and JSON files without those git
 * ignores, what a glob matches. A file that several paths lead to, links among them, comes once: by the first of them.
 */
export async function* selectFiles(paths: readonly string[]): AsyncGenerator<SelectedFile> {
  const seen = new Set<string>();
  for (const path of paths) {
    for await (const selected of selectPath(path)) {
      // `./-` is a file, `-` the standard input.
      const file = path === "-" ? path : realPathOf(selected.file);
      if (seen.has(file)) continue;
      seen.add(file);
      yield selected;
    }
  }
}

/** Where a path leads in the end; one that leads nowhere stands for itself. */
function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return resolve(path);
  }
}

async function* selectPath(path: string): AsyncGenerator<SelectedFile> {
  if (path === "-") {
    yield { file: path, searched: false };
    return;
  }
  try {
    if ((await stat(path)).isDirectory()) yield* searchFolder(path);
    else yield { file: path, searched: false };
  } catch (error) {
    if (isMissing(error) && /[*?[{]/.test(path)) yield* searchGlob(path);
    else yield { file: path, searched: false, missing: withoutPath(error, path) };
  }
}

async function* searchFolder(folder: string): AsyncGenerator<SelectedFile> {
  const ignored = new GitIgnore(folder);
  // Who names an ignored folder wants it.
  if (await ignored.ignores(folder, true)) yield* walk(folder, undefined);
  else yield* walk(folder, ignored);
}

async function* walk(folder: string, ignored: GitIgnore | undefined): AsyncGenerator<SelectedFile> {
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    yield { file: folder, searched: true, missing: withoutPath(error, folder) };
    return;
  }
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const isFolder = entry.isDirectory();
    if (isFolder ? entry.name === ".git" : !isManifestName(entry.name)) continue;
    if (await ignored?.ignores(path, isFolder)) continue;
    if (isFolder) yield* walk(path, ignored);
    else if (entry.isFile()) yield { file: path, searched: true };
    else if (entry.isSymbolicLink()) yield* follow(path);
  }
}

/** A link to a file is as good as the file; one to a folder could lead in a circle, and is not followed. */
async function* follow(link: string): AsyncGenerator<SelectedFile> {
  try {
    if ((await stat(link)).isFile()) yield { file: link, searched: true };
  } catch (error) {
    yield { file: link, searched: true, missing: `a broken link: ${withoutPath(error, link)}` };
  }
}

async function* searchGlob(pattern: string): AsyncGenerator<SelectedFile> {
  const fixed = pattern.slice(0, pattern.search(/[*?[{]/));
  const ignored = new GitIgnore(fixed.endsWith("/") ? fixed : dirname(fixed));
  const matches = [];
  for await (const match of glob(pattern)) matches.push(match);
  let found = false;
  for (const file of matches.toSorted()) {
    // `**` means every manifest; `*.tmpl` says itself what it means.
    if (!/\.\w+$/.test(pattern) && !isManifestName(file)) continue;
    if (!(await isFile(file)) || (await ignored.ignores(file, false))) continue;
    found = true;
    yield { file, searched: true };
  }
  if (!found) yield { file: pattern, searched: true, missing: "no file matches" };
}

function isManifestName(name: string): boolean {
  return /\.(ya?ml|json)$/i.test(name);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

/** The system's complaint without the path, which stands before it anyway. */
function withoutPath(error: unknown, path: string): string {
  return messageOf(error).replace(`${path}: `, "");
}
