import { type Command, command } from "@internal/lib/command";
import { parseFormats } from "@internal/lib/formats";
import { parseNumber } from "@internal/lib/numbers";
import { formatNames } from "../formats/names.ts";
import { mutantProgress } from "./progress.ts";

/** `rego-coverage [PATH…]`: the tests, the coverage, the verdict. */
export const coverageCommand: Command = command({
  name: "",
  usage: "[OPTION…] [PATH…]",
  summary: "Runs the Rego tests and fails on every policy line that no test exercises.",
  details: `PATH is a folder of policies and their tests, or a file; the default is policies.
A test file (*_test.rego, or one that defines a test_ rule) never counts. A policy that no test touches
fails at any threshold.`,
  options: {
    format: {
      value: "NAME[=FILE]",
      multiple: true,
      help: "text, json, lcov, cobertura, html (a folder, default coverage), github",
    },
    threshold: { value: "N", help: "percent of policy lines that must be covered (default 100)" },
    "per-file": { help: "every policy must reach the threshold" },
    opa: { value: "CMD", help: "a command line that stands for opa, split on blanks" },
    ignore: { value: "GLOB", multiple: true, help: "names of files and folders not to load" },
    "v0-compatible": { help: "policies in Rego v0 syntax" },
    changed: { value: "BASE", help: "only policy lines changed since this git revision count" },
    contexts: { help: "report which tests exercise a line (json, html)" },
    mutate: { help: "change the policies and list the changes that no test notices" },
    "mutate-threshold": { value: "N", help: "percent of the changes that tests must notice" },
    each: { help: "run each folder of policies on its own, and merge" },
  },
  examples: [
    { line: "rego-coverage policies", does: "tests and coverage of a folder" },
    { line: "rego-coverage --threshold 80 --per-file", does: "at least 80 % in every policy" },
    { line: "rego-coverage --changed origin/main", does: "only what a pull request changes" },
    { line: "rego-coverage --format text --format lcov=lcov.info", does: "for people and Codecov" },
    { line: "rego-coverage --opa regal", does: "with the built-in functions of regal" },
  ],
  positionals: {},
  async run({ values, positionals, signal, io }) {
    const formats = parseFormats((values.format ?? []).map(withFolder), formatNames);
    const percent = { what: "a percentage", to: 100 };
    const mutateThreshold = parseNumber("--mutate-threshold", values["mutate-threshold"], percent);
    const demand = {
      threshold: parseNumber("--threshold", values.threshold ?? "100", percent),
      mutateThreshold,
      perFile: values["per-file"] ?? false,
    };
    const [{ runDetailed }, { judge }, { splitCommand }] = await Promise.all([
      import("../run.ts"),
      import("../verdict.ts"),
      import("../engine/choose.ts"),
    ]);
    const detailed = await runDetailed({
      paths: positionals.length === 0 ? ["policies"] : positionals,
      ignore: values.ignore ?? [],
      v0Compatible: values["v0-compatible"] ?? false,
      each: values.each ?? false,
      contexts: values.contexts ?? false,
      mutate: (values.mutate ?? false) || mutateThreshold !== undefined,
      onMutant: mutantProgress(io.stderr),
      ...(values.changed === undefined ? {} : { changed: values.changed }),
      ...(values.opa === undefined ? {} : { opa: splitCommand(values.opa) }),
      signal,
    });
    const failures = judge(detailed.report, demand);
    const { writeReports } = await import("../formats/write.ts");
    await writeReports(formats, { detailed, failures, demand, cwd: process.cwd() }, io);
    return failures.length === 0 ? 0 : 1;
  },
});

/** The html report is a folder, which cannot go to stdout. */
function withFolder(format: string): string {
  return format === "html" ? "html=coverage" : format;
}
