import { relative, resolve } from "node:path";
import { projectRoot } from "../istanbul.ts";
import type { CoverageReport } from "../types.ts";
import { reasons } from "./text.ts";

interface Annotation {
  level: "error" | "notice";
  file: string;
  line: number;
  endLine?: number;
  title: string;
  message: string;
}

/** GitHub's workflow commands: an annotation for each gap and each test that did not pass. */
export function renderGithub(
  { tests, missing, ignored = [] }: CoverageReport,
  cwd: string,
): string {
  const root = projectRoot(cwd);
  const annotations: Annotation[] = [
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
    .map(({ level, file, line, endLine, title, message }) => {
      const path = relative(root, resolve(cwd, file));
      const end = endLine === undefined ? "" : `,endLine=${endLine}`;
      return `::${level} file=${property(path)},line=${line}${end},title=${property(title)}::${data(message)}\n`;
    })
    .join("");
}

function gapMessage(reason: keyof typeof reasons | undefined): string {
  const why = reason === undefined ? "" : ` (${reasons[reason]})`;
  return `no test exercises this${why}`;
}

// Escapes as in https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
