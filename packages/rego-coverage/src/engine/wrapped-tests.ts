import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

/** The package of the wrapping tests; no policy has it. */
const wrapping = "rego_coverage_wrapped_tests";

/** What `--run` selects the wrapping tests by: all, or that of one test. */
export function wrappedPattern(index?: number): string {
  return `^data\\.${wrapping}\\.${index === undefined ? "" : `test_${index}$`}`;
}

/**
 * OPA keeps the coverage to itself when a test fails. So each test is wrapped into one that evaluates it and
 * passes whatever comes out: the coverage of these is the tests' own, failed ones too. The file with them is a
 * temporary one; an OPA that does not see it, as in a container, gives nothing, and gets it in `cwd`, where it sees
 * the policies.
 *
 * @param tests names as OPA gives them, `data.PACKAGE.test_x`
 * @param work gets the file's path, which is gone afterwards
 */
export async function withWrappedTests<T>(
  tests: string[],
  cwd: string,
  work: (file: string) => Promise<T | undefined>,
): Promise<T | undefined> {
  const text = wrapTests(tests);
  const elsewhere = await withFile(tmpdir(), text, work);
  if (elsewhere !== undefined) return elsewhere;
  return withFile(cwd, text, (file) => work(relative(cwd, file))).catch((error: unknown) => {
    if (["EACCES", "EPERM", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  });
}

async function withFile<T>(
  above: string,
  text: string,
  work: (file: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(above, ".rego-coverage-"));
  try {
    const file = join(folder, "wrapped_tests.rego");
    await writeFile(file, text);
    return await work(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function wrapTests(tests: string[]): string {
  const rules = tests.map(
    (test, index) => `test_${index} if is_array([result | result := ${reference(test)}])\n`,
  );
  // The import makes it the same in both syntaxes.
  return `package ${wrapping}\n\nimport rego.v1\n\n${rules.join("\n")}`;
}

/** OPA numbers tests of the same name, `data.a.test_x#01`, and does not put what is no identifier in brackets. */
function reference(test: string): string {
  return test.replace(/\.([^.[\]"]*#\d+)$/, '["$1"]');
}
