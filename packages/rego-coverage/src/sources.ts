import { readFile, realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { findPragmas, type Pragma } from "./pragmas.ts";
import { isTestFile } from "./test-rules.ts";

/** A policy (no test file) as it stands on disk. */
export interface PolicySource {
  /** As the user gave it. */
  file: string;
  /** Absolute, symbolic links resolved. */
  path: string;
  text: string;
  pragmas: Pragma[];
}

/**
 * Reads those of the files that are policies: a file named `*_test.rego`, or one that defines a test, is none.
 *
 * @throws InputError for a pragma without a reason
 */
export async function readPolicies(files: Iterable<string>, cwd: string): Promise<PolicySource[]> {
  const read = await Promise.all(
    [...files].map(async (file) => ({ file, text: await readFile(resolve(cwd, file), "utf8") })),
  );
  const policies = read.filter(({ file, text }) => !isTestFile(file, text));
  return Promise.all(
    policies.map(async ({ file, text }) => ({
      file,
      path: await realpath(resolve(cwd, file)),
      text,
      pragmas: findPragmas(file, text),
    })),
  );
}
