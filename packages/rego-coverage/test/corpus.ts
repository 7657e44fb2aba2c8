import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the corpus: small policy folders, one for each thing that Rego or OPA's reports can do. */
export const corpusFolder = fileURLToPath(new URL("corpus", import.meta.url));

/** One folder of the corpus, and how it wants to be run. */
export interface Case {
  name: string;
  v0Compatible: boolean;
  ignore: string[];
}

/** Every folder of the corpus. */
export const corpus: Case[] = readdirSync(corpusFolder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({
    name,
    v0Compatible: name.startsWith("v0"),
    ignore: name === "kubernetes_yaml" ? ["*.yaml"] : [],
  }));

/**
 * The lines under `Missing coverage:` that a folder's policies have, by the newest OPA, or by one whose report has
 * rows alone where that one sees it differently.
 */
export function expectedMissing(name: string, opa: "opa" | "opa-row-schema"): string[] {
  const both = JSON.parse(readFileSync(join(corpusFolder, "missing.json"), "utf8")) as Record<
    string,
    { missing: string[]; rows?: string[] }
  >;
  const { missing = [], rows = missing } = both[name] ?? {};
  return opa === "opa" ? missing : rows;
}
