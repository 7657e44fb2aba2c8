import type { ReportedRun, TestReport } from "./report.ts";
import { seconds } from "./words.ts";

/** A report as one self-contained page: a row a person, a column a day of runs, verdicts by colour and by word. */
export function reportHtml({ runs }: TestReport, now: Date): string {
  const days = [...new Set(runs.map(dayOf))].sort().reverse();
  const people = new Map(runs.map(({ user }) => [user.id, user.name]));
  const sorted = [...people].sort(([, a], [, b]) => a.localeCompare(b));
  const rows = sorted.map(([id, name]) => {
    const own = runs.filter(({ user }) => user.id === id);
    const cells = days.map((day) => cell(own.filter((run) => dayOf(run) === day)));
    return `<tr><th scope="row">${escapeHtml(name)}<small>${escapeHtml(id)}</small></th>${cells.join("")}</tr>`;
  });
  const passed = runs.filter(({ verdict }) => verdict === "pass").length;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>On-call page tests</title>
<style>${style}</style>
<h1>On-call page tests</h1>
<p>${passed} of ${runs.length} runs passed. As of ${escapeHtml(now.toISOString())}; days and times in UTC.</p>
<div class="grid"><table>
<thead><tr><th></th>${days.map((day) => `<th scope="col">${day}</th>`).join("")}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody></table></div>
</html>
`;
}

function cell(runs: readonly ReportedRun[]): string {
  return `<td>${runs.map(badge).join("")}</td>`;
}

function badge(run: ReportedRun): string {
  const { verdict, scheduledAt, incident, notifiedAfterMs, respondedAfterMs, channel, reason } =
    run;
  const lines = [
    `scheduled ${scheduledAt}`,
    notifiedAfterMs === undefined ? undefined : `notified after ${seconds(notifiedAfterMs)}`,
    respondedAfterMs === undefined ? undefined : `answered after ${seconds(respondedAfterMs)}`,
    channel === undefined ? undefined : `by ${channel}`,
    reason,
  ].filter((line) => line !== undefined);
  const delay = respondedAfterMs === undefined ? "" : `<small>${seconds(respondedAfterMs)}</small>`;
  const inner = `${verdict}${delay}`;
  const attributes = `class="v ${kindOf(verdict)}" title="${escapeHtml(lines.join("\n"))}"`;
  return incident === undefined || !/^https?:/.test(incident.url)
    ? `<span ${attributes}>${inner}</span>`
    : `<a ${attributes} href="${escapeHtml(incident.url)}">${inner}</a>`;
}

function kindOf(verdict: ReportedRun["verdict"]): "good" | "odd" | "bad" {
  if (verdict === "pass") return "good";
  return ["late", "skipped", "missed", "unknown"].includes(verdict) ? "odd" : "bad";
}

const dayOf = ({ scheduledAt }: ReportedRun): string => scheduledAt.slice(0, 10);

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const style = `
:root{color-scheme:light dark}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem;max-width:100%}
.grid{overflow-x:auto}
table{border-collapse:collapse}
th,td{padding:.4rem .6rem;text-align:left;border-bottom:1px solid #8884;vertical-align:top;white-space:nowrap}
th small{display:block;font-weight:400;opacity:.65}
.v{display:block;margin:.1rem 0;padding:.15rem .5rem;border-radius:.3rem;color:#fff;text-decoration:none}
.v small{margin-left:.5em;opacity:.85}
.good{background:#1a7f37}.odd{background:#8a5a00}.bad{background:#b3261e}
`;
