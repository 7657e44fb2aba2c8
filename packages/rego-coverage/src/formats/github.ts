import { relative, resolve } from "node:path";
import { type Annotation, renderAnnotation } from "@internal/lib/github";
import type { CoverageReport } from "../coverage-report.ts";
import { projectRoot } from "../istanbul.ts";
import { reasons } from "./text.ts";

/** GitHub's workflow commands: an annotation for each gap and each test that did not pass. */
export function renderGithub(
  { tests, missing, ignored = [] }: CoverageReport,
  cwd: string,
): string {
  const root = projectRoot(cwd);
  const annotations: (Annotation & { file: string })[] = [
    ...tests
      .filter(({ result }) => result === "fail" || result === "error")
      .map(({ file, row, name, message }) => ({
        level: "error" as const,
        file,
        line: row,
        title: "Rego test failed",
        message: message === undefined ? name : `${name}\n${message}`,
      })),
    ...missing.map(({ file, start, end, reason }) => ({
      level: "error" as const,
      file,
      line: start?.row ?? 1,
      ...(end === undefined ? {} : { endLine: end.row }),
      title: "Missing coverage",
      message: start === undefined ? "no test touches this policy" : gapMessage(reason),
    })),
    ...ignored.map(({ file, start, end, reason }) => ({
      level: "notice" as const,
      file,
      line: start.row,
      endLine: end.row,
      title: "Ignored by rego-coverage",
      message: reason,
    })),
  ];
  return annotations
    .map(({ file, ...rest }) => {
      const path = relative(root, resolve(cwd, file));
      return `${renderAnnotation({ file: path, ...rest })}\n`;
    })
    .join("");
}

function gapMessage(reason: keyof typeof reasons | undefined): string {
  const why = reason === undefined ? "" : ` (${reasons[reason]})`;
  return `no test exercises this${why}`;
}
