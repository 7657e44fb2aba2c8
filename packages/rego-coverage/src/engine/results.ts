import type { TestResult } from "../coverage-report.ts";

/** A test's outcome in the JSON of `opa test --format json`. */
export interface OpaResult {
  location: { file: string; row: number };
  package: string;
  name: string;
  fail?: boolean;
  skip?: boolean;
  /** Several where the test itself could not be run, such as a function that is named like one. */
  error?: OpaError | OpaError[];
  /** What the test printed, base64. */
  output?: string;
  sub_results?: Record<string, SubResult> | null;
}

interface OpaError {
  message?: string;
  code?: string;
  location?: { file: string; row: number };
}

interface SubResult {
  name?: string;
  fail?: boolean;
  sub_results?: Record<string, SubResult> | null;
}

/** Translates OPA's result of one test. */
export function toTestResult(result: OpaResult): TestResult {
  const outcome = result.fail ? "fail" : result.skip ? "skip" : result.error ? "error" : "pass";
  const message = outcome === "pass" ? "" : messageOf(result);
  return {
    name: `${result.package}.${result.name}`,
    file: result.location.file,
    row: result.location.row,
    result: outcome,
    ...(message === "" ? {} : { message }),
  };
}

/** The error, the cases that failed, and what the test printed, a line each. */
function messageOf({ error, output, sub_results }: OpaResult): string {
  return [
    ...(error === undefined ? [] : [error].flat().map(errorText)),
    ...failedCases(sub_results ?? {}, []).map((path) => `case ${path.join(", ")} failed`),
    output === undefined ? "" : Buffer.from(output, "base64").toString("utf8"),
  ]
    .map((part) => part.trimEnd())
    .filter((part) => part !== "")
    .join("\n");
}

function errorText({ location, code, message = "unknown error" }: OpaError): string {
  const where = location?.file ? `${location.file}:${location.row}: ` : "";
  return `${where}${code === undefined ? "" : `${code}: `}${message}`;
}

/** The innermost failing cases of a test with cases (`test_x[case]`). */
function failedCases(cases: Record<string, SubResult>, above: string[]): string[][] {
  return Object.entries(cases).flatMap(([name, { fail, sub_results }]) => {
    if (!fail) return [];
    const inner = failedCases(sub_results ?? {}, [...above, name]);
    return inner.length > 0 ? inner : [[...above, name]];
  });
}
