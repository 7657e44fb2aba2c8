import { paintFor, plain } from "@internal/lib/colors";
import { type Command, command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import { parseFormats, writeFormats } from "@internal/lib/formats";

const formatNames = ["text", "json"] as const;

/** `rego-coverage [PATH…]`: the tests, the coverage, the verdict. */
export const coverageCommand: Command = command({
  name: "",
  usage: "[PATH…] [OPTION…]",
  summary: "Runs the Rego tests and fails on every policy line that no test exercises.",
  details: `PATH is a folder of policies and their tests, or a file; the default is policies.
A test file (*_test.rego, or one that defines a test_ rule) never counts. A policy that no test touches
fails at any threshold.`,
  options: {
    format: {
      value: "NAME[=FILE]",
      multiple: true,
      help: "text, json",
    },
    threshold: { value: "N", help: "percent of policy lines that must be covered (default 100)" },
    "per-file": { help: "every policy must reach the threshold" },
    opa: { value: "CMD", help: "a command line that stands for opa, split on blanks" },
    ignore: { value: "GLOB", multiple: true, help: "names of files and folders not to load" },
    "v0-compatible": { help: "policies in Rego v0 syntax" },
    each: { help: "run each folder of policies on its own, and merge" },
  },
  examples: [
    { line: "rego-coverage policies", does: "tests and coverage of a folder" },
    { line: "rego-coverage --threshold 80 --per-file", does: "at least 80 % in every policy" },
    { line: "rego-coverage --opa regal", does: "with the built-in functions of regal" },
  ],
  positionals: {},
  async run({ values, positionals, signal, io }) {
    const formats = parseFormats(values.format ?? [], formatNames);
    const demand = {
      threshold: parseThreshold(values.threshold),
      perFile: values["per-file"] ?? false,
    };
    const [{ runDetailed }, { judge }, { splitCommand }] = await Promise.all([
      import("../run.ts"),
      import("../verdict.ts"),
      import("../engine/choose.ts"),
    ]);
    const { report } = await runDetailed({
      paths: positionals.length === 0 ? ["policies"] : positionals,
      ignore: values.ignore ?? [],
      v0Compatible: values["v0-compatible"] ?? false,
      each: values.each ?? false,
      ...(values.opa === undefined ? {} : { opa: splitCommand(values.opa) }),
      signal,
    });
    const failures = judge(report, demand);
    await writeFormats(
      formats,
      async (name, { file }) => {
        if (name === "json") return `${JSON.stringify(report, undefined, 2)}\n`;
        const { renderText } = await import("../formats/text.ts");
        const paint = file === undefined ? paintFor(io.stdout, io.env) : plain;
        return renderText(report, failures, demand, paint);
      },
      io,
    );
    return failures.length === 0 ? 0 : 1;
  },
});

function parseThreshold(given = "100"): number {
  const threshold = Number(given);
  if (given.trim() === "" || !(threshold >= 0 && threshold <= 100)) {
    throw new UsageError(`--threshold ${given}: expected a percentage, 0 to 100`);
  }
  return threshold;
}
