import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve, sep } from "node:path";
import { writeWhole } from "@internal/lib/formats";
import type { FileContexts, Missing, Survivor } from "../coverage-report.ts";
import type { PolicyCoverage } from "../policy-coverage.ts";
import type { DetailedReport } from "../run.ts";
import { escapeXml } from "./escape-xml.ts";
import { writeReport } from "./istanbul-reports.ts";
import { formatSurvivor, reasons } from "./text.ts";
import { writeWholeFolder } from "./whole-folder.ts";

/** Rego has no counted functions and branches, and our statements are its lines. */
const style = `
.clearfix > .fl:nth-child(-n+3), .coverage-summary th:nth-child(-n+8):nth-child(n+3), .coverage-summary td:nth-child(-n+8):nth-child(n+3) { display: none }
span.cline-any[title] { cursor: help }
span.cline-ignored { background: repeating-linear-gradient(-45deg, #eaeaea 0 4px, #fff 4px 8px) }
span.cline-survived { box-shadow: inset 4px 0 #e08000 }
`;

/**
 * Writes istanbul's pages for people into a folder. The number beside a line is how many tests exercise it
 * where that is known (`--contexts`), and pointing at it tells which, or why the line is red.
 *
 * @param target a folder; or `NAME.html`, which then leads to the pages in the folder `NAME`
 * @returns the file to open
 * @throws UsageError when it cannot be written
 */
export async function writeHtml(
  detailed: DetailedReport,
  cwd: string,
  target: string,
): Promise<string> {
  const page = target.endsWith(".html") ? resolve(cwd, target) : undefined;
  const folder = page === undefined ? resolve(cwd, target) : page.slice(0, -".html".length);
  await writeWholeFolder(folder, async (inside) => {
    await writePages(detailed, cwd, inside);
    if (page !== undefined) await writeWhole(page, redirection(`${basename(folder)}/index.html`));
  });
  return page === undefined ? join(target, "index.html") : target;
}

async function writePages(detailed: DetailedReport, cwd: string, folder: string): Promise<void> {
  writeReport(detailed, cwd, folder, "html");
  await appendFile(join(folder, "base.css"), style);
  const pages = await pagesIn(folder);
  await Promise.all(
    detailed.policies.map(async (policy) => {
      const path = `${resolve(cwd, policy.file)}.html`;
      const page = pages.find((name) => path.endsWith(sep + name));
      if (page === undefined) return;
      const file = join(folder, page);
      const rows = detailed.report.contexts?.find(({ file }) => file === policy.file)?.rows ?? [];
      const survivors =
        detailed.report.mutation?.survivors.filter(({ file }) => file === policy.file) ?? [];
      const html = await readFile(file, "utf8");
      await writeFile(file, explained(html, policy, rows, survivors));
    }),
  );
}

/** istanbul names pages by the last part of the policies' paths, as long as it needs to be. */
async function pagesIn(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  return files.filter((file) => file.endsWith(".rego.html")).sort((a, b) => b.length - a.length);
}

/** Adds to each line's number what is known about the line, for those who point at it. */
function explained(
  html: string,
  { missing, ignored }: PolicyCoverage,
  contexts: FileContexts["rows"],
  survivors: Survivor[],
): string {
  const titles = new Map<number, string>();
  const marks = new Map<number, string>();
  for (const { row, tests } of contexts) titles.set(row, tests.join("\n"));
  for (const { start, end, reason } of ignored) {
    for (let row = start.row; row <= end.row; row++) {
      titles.set(row, `ignored: ${reason}`);
      marks.set(row, "cline-ignored");
    }
  }
  for (const gap of missing) addGap(titles, gap);
  for (const survivor of survivors) {
    const before = titles.get(survivor.row);
    const survived = `survived: ${formatSurvivor(survivor)}`;
    titles.set(survivor.row, before === undefined ? survived : `${survived}\n${before}`);
    marks.set(survivor.row, "cline-survived");
  }
  let row = 0;
  return html.replace(/<span class="cline-any ([^"]*)"/g, (span, kind: string) => {
    const title = titles.get(++row);
    if (title === undefined) return span;
    const classes = ["cline-any", kind, ...(marks.has(row) ? [marks.get(row)] : [])];
    return `<span class="${classes.join(" ")}" title="${escapeXml(title)}"`;
  });
}

function addGap(titles: Map<number, string>, { start, end, reason }: Missing): void {
  if (start === undefined || end === undefined) return;
  const why = reason === undefined ? "no test exercises this" : reasons[reason];
  for (let row = start.row; row <= end.row; row++) titles.set(row, why);
}

function redirection(url: string): string {
  return `<!doctype html><meta charset="utf-8"><title>Coverage</title><meta http-equiv="refresh" content="0; url=${escapeXml(url)}"><a href="${escapeXml(url)}">Coverage</a>\n`;
}
