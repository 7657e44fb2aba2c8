import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import ignore, { type Ignore } from "ignore";

/** Answers whether git ignores a path, by the `.gitignore` files from the repository's root down to it. */
export class GitIgnore {
  readonly #root: string;
  readonly #rules = new Map<string, Promise<Ignore>>();

  /** @param folder where a search begins; outside of a repository its own `.gitignore` counts, and those below */
  constructor(folder: string) {
    this.#root = repositoryOf(resolve(folder)) ?? resolve(folder);
  }

  /** True when git ignores the path, or a folder above it. */
  async ignores(path: string, isFolder: boolean): Promise<boolean> {
    const steps = relative(this.#root, resolve(path)).split(sep);
    if (steps[0] === "" || steps[0] === "..") return false;
    for (let depth = 1; depth <= steps.length; depth++) {
      const inner = depth < steps.length || isFolder;
      if (steps[depth - 1] === ".git") return true;
      if (await this.#ignoresItself(steps.slice(0, depth), inner)) return true;
    }
    return false;
  }

  /** Asks the rules of every folder above; the deepest one that has something to say decides. */
  async #ignoresItself(steps: string[], isFolder: boolean): Promise<boolean> {
    let ignored = false;
    for (let depth = 0; depth < steps.length; depth++) {
      const rules = await this.#rulesOf(join(this.#root, ...steps.slice(0, depth)));
      const verdict = rules.test(steps.slice(depth).join("/") + (isFolder ? "/" : ""));
      if (verdict.ignored) ignored = true;
      if (verdict.unignored) ignored = false;
    }
    return ignored;
  }

  #rulesOf(folder: string): Promise<Ignore> {
    let rules = this.#rules.get(folder);
    if (rules === undefined) {
      rules = readRules(folder);
      this.#rules.set(folder, rules);
    }
    return rules;
  }
}

async function readRules(folder: string): Promise<Ignore> {
  const rules = ignore();
  for (const file of [".git/info/exclude", ".gitignore"]) {
    rules.add(await readFile(join(folder, file), "utf8").catch(() => ""));
  }
  return rules;
}

function repositoryOf(folder: string): string | undefined {
  if (existsSync(join(folder, ".git"))) return folder;
  const above = dirname(folder);
  return above === folder ? undefined : repositoryOf(above);
}
