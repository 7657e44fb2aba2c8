import type { Paint } from "@internal/lib/colors";
import { formatTable } from "@internal/lib/table";
import type {
  CoverageReport,
  FileSummary,
  Ignored,
  Missing,
  Survivor,
  TestResult,
} from "../coverage-report.ts";
import { formatMissing } from "../missing.ts";
import type { Demand, Failure } from "../verdict.ts";

/**
 * The report for people: tests that did not pass, a table of the policies, what the verdict is, and at the
 * end `Missing coverage:` with a line a gap when that is why it fails.
 */
export function renderText(
  report: CoverageReport,
  failures: Failure[],
  { threshold }: Demand,
  paint: Paint,
): string {
  const lines = [
    ...testLines(report.tests, paint),
    ...fileTable(report, paint),
    ...ignoredLines(report.ignored ?? []),
    ...mutationLines(report, paint),
    ...verdictLines(report, failures, threshold, paint),
    ...missingLines(report, failures, paint),
  ];
  return `${lines.join("\n")}\n`;
}

function testLines(tests: TestResult[], paint: Paint): string[] {
  const lines = tests.flatMap(({ result, name, file, row, message }) => {
    if (result === "pass") return [];
    const word = { fail: "FAIL", error: "ERROR", skip: "SKIPPED" }[result];
    const shown = paint(result === "skip" ? "yellow" : "red", word);
    const output = message === undefined ? [] : message.split("\n").map((line) => `    ${line}`);
    return [`${shown} ${name} (${file}:${row})`, ...output];
  });
  return lines.length === 0 ? [] : [...lines, ""];
}

function fileTable({ files, missing, summary }: CoverageReport, paint: Paint): string[] {
  if (files.length === 0) return [];
  const row = (file: FileSummary, gaps: Missing[]) => [
    file.file,
    colored(file, paint),
    `${file.covered}/${file.coverable}`,
    uncovered(gaps),
  ];
  const heads = ["policy", "covered", "lines", "not covered"].map((head) => paint("bold", head));
  const rows = files.map((file) =>
    row(
      file,
      missing.filter((gap) => gap.file === file.file),
    ),
  );
  const total = row({ ...summary, file: "all policies", untested: false }, []);
  return [...formatTable([heads, ...rows, total]), ""];
}

function colored({ percent, untested }: FileSummary, paint: Paint): string {
  return paint(
    percent === 100 ? "green" : untested || percent === 0 ? "red" : "yellow",
    formatPercent(percent),
  );
}

/** Two decimals at most, never rounded up to 100. */
export function formatPercent(percent: number): string {
  return `${Math.floor(percent * 100) / 100} %`;
}

function uncovered(gaps: Missing[]): string {
  return gaps
    .map(({ untested, start, end, reason }) => {
      if (untested || start === undefined) return "no test touches it";
      const rows = end === undefined || end.row === start.row ? "" : `-${end.row}`;
      return `${start.row}${rows}${reason === undefined ? "" : ` (${reasons[reason]})`}`;
    })
    .join(", ");
}

/** What OPA's reasons mean. */
export const reasons: Record<NonNullable<Missing["reason"]>, string> = {
  index_excluded: "never tried: the rule index ruled it out",
  early_exit: "never tried: another rule had decided already",
};

function ignoredLines(ignored: Ignored[]): string[] {
  const lines = ignored.map(({ file, start, end, reason }) => {
    const rows = end.row === start.row ? start.row : `${start.row}-${end.row}`;
    return `ignored ${file}:${rows}: ${reason}`;
  });
  return lines.length === 0 ? [] : [...lines, ""];
}

function mutationLines({ mutation }: CoverageReport, paint: Paint): string[] {
  if (mutation === undefined) return [];
  const { score, killed, timedOut, survived, survivors } = mutation;
  const noticed = killed + timedOut;
  return [
    `mutation score: ${formatPercent(score)} (the tests notice ${noticed} of ${noticed + survived} changes)`,
    ...(survived > 0 ? [paint("bold", "Survived:")] : []),
    ...survivors.filter(({ accepted }) => accepted === undefined).map(formatSurvivor),
    ...survivors
      .filter(({ accepted }) => accepted !== undefined)
      .map((survivor) => `accepted ${formatSurvivor(survivor)}: ${survivor.accepted}`),
    "",
  ];
}

/** `path:line:col original → changed`. */
export function formatSurvivor({
  file,
  row,
  column,
  original,
  changed,
  reached,
}: Survivor): string {
  const unreached = reached ? "" : " (no test reaches it)";
  return `${file}:${row}:${column} ${oneLine(original)} → ${oneLine(changed) || "(deleted)"}${unreached}`;
}

function oneLine(text: string): string {
  const [first = "", ...rest] = text.trim().split(/\r?\n/);
  return rest.length === 0 ? first : `${first.trimEnd()} …`;
}

function verdictLines(
  { tests, files }: CoverageReport,
  failures: Failure[],
  threshold: number,
  paint: Paint,
): string[] {
  const counts = (["pass", "fail", "error", "skip"] as const)
    .map((result) => ({ result, count: tests.filter((test) => test.result === result).length }))
    .filter(({ result, count }) => count > 0 || result === "pass")
    .map(
      ({ result, count }) =>
        `${count} ${{ pass: "passed", fail: "failed", error: "with an error", skip: "skipped" }[result]}`,
    );
  const unknown = files.length === 0 && failures.some(({ code }) => code === "tests-failed");
  return [
    `tests: ${counts.join(", ")}`,
    ...(unknown ? ["coverage: unknown, OPA gave none"] : []),
    ...failures.map((failure) => paint("red", sentence(failure, threshold))),
  ];
}

function sentence(failure: Failure, threshold: number): string {
  switch (failure.code) {
    case "tests-failed":
      return `${failure.count} ${failure.count === 1 ? "test" : "tests"} failed`;
    case "no-tests":
      return "no tests were run: name a rule test_… in a file beside the policy";
    case "untested":
      return `${failure.files.length} ${failure.files.length === 1 ? "policy is" : "policies are"} touched by no test`;
    case "below-mutate-threshold":
      return `the mutation score is ${formatPercent(failure.percent)}, below ${failure.threshold} %`;
    case "below-threshold":
      return `${failure.file ?? "coverage"} is at ${formatPercent(failure.percent)}, below ${threshold} %`;
  }
}

function missingLines(report: CoverageReport, failures: Failure[], paint: Paint): string[] {
  const asked = failures.some(({ code }) => code === "untested" || code === "below-threshold");
  if (!asked || report.missing.length === 0) return [];
  return ["", paint("bold", "Missing coverage:"), ...formatMissing(report.missing)];
}
