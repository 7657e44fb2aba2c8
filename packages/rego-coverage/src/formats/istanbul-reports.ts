import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import libReport from "istanbul-lib-report";
import reports, { type ReportOptions } from "istanbul-reports";
import { projectRoot, toIstanbul } from "../istanbul.ts";
import type { DetailedReport } from "../run.ts";
import { escapeXml } from "./escape-xml.ts";

/** lcov's tracefile, its paths relative to the repository, as Codecov and genhtml want them. */
export async function renderLcov(detailed: DetailedReport, cwd: string): Promise<string> {
  const text = await rendered(detailed, cwd, "lcovonly", "lcov.info");
  // There are neither functions nor branches in it, so it should not say that 0 of 0 were found.
  return text.replace(/^(?:FN|BR)[FH]:.*\n/gm, "");
}

/** Cobertura's XML, as GitLab, Azure and Jenkins read it. */
export async function renderCobertura(detailed: DetailedReport, cwd: string): Promise<string> {
  const xml = await rendered(detailed, cwd, "cobertura", "cobertura-coverage.xml");
  return (
    xml
      .replace(/(<class name="[^"]*" filename=")(.*)(" line-rate=")/g, escapedBetween)
      .replace(/(<source>)(.*)(<\/source>)/g, escapedBetween)
      // The DTD demands it of packages and classes too.
      .replace(/(<(?:package|class) [^>]*branch-rate="[^"]*")/g, '$1 complexity="0"')
  );
}

/** istanbul writes paths as they are, which is no XML where a folder is named `R&D`. */
function escapedBetween(_: string, before: string, path: string, after: string): string {
  return before + escapeXml(path) + after;
}

/** Runs one of istanbul's reporters into a folder. */
export function writeReport(
  detailed: DetailedReport,
  cwd: string,
  folder: string,
  name: keyof ReportOptions,
): void {
  const coverageMap = toIstanbul(detailed.policies, cwd, detailed.report.contexts);
  const context = libReport.createContext({ dir: folder, coverageMap });
  const options = { projectRoot: projectRoot(cwd) };
  reports.create(name, options as Partial<ReportOptions[typeof name]>).execute(context);
}

async function rendered(
  detailed: DetailedReport,
  cwd: string,
  name: keyof ReportOptions,
  file: string,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rego-coverage-"));
  try {
    writeReport(detailed, cwd, folder, name);
    return await readFile(join(folder, file), "utf8");
  } finally {
    await rm(folder, { recursive: true });
  }
}
