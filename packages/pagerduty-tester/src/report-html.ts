import type { ReportedRun, TestReport } from "./report.ts";
import { style } from "./report-style.ts";
import type { Verdict } from "./verdict.ts";
import { meanings, seconds } from "./words.ts";

/** Older runs than this many a person are left to the JSON. */
const mostColumns = 24;

/**
 * A report as one self-contained page: how many of each verdict, who did not pass last time and why, and a grid of
 * people and their runs, the latest first.
 *
 * @param now shown as the page's date
 */
export function reportHtml({ runs }: TestReport, now: Date): string {
  const people = peopleOf(runs);
  const passed = runs.filter(({ verdict }) => verdict === "pass").length;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>On-call page tests</title>
<style>${style}</style>
<h1>On-call page tests</h1>
<p>${passed} of ${runs.length} runs passed. As of ${minute(now.toISOString())}; all times in UTC.</p>
${runs.length === 0 ? "<p>No verdicts yet.</p>" : [counts(runs), attention(people), grid(people)].join("\n")}
</html>
`;
}

interface Person {
  id: string;
  name: string;
  /** The latest first. */
  runs: ReportedRun[];
}

function peopleOf(runs: readonly ReportedRun[]): Person[] {
  const people = new Map<string, Person>();
  for (const run of runs) {
    const person = people.get(run.user.id);
    if (person === undefined) people.set(run.user.id, { ...run.user, runs: [run] });
    else person.runs.push(run);
  }
  return [...people.values()].sort((a, b) => a.name.localeCompare(b.name));
}

function counts(runs: readonly ReportedRun[]): string {
  const verdicts = Object.keys(meanings) as Verdict[];
  const items = verdicts.flatMap((verdict) => {
    const count = runs.filter((run) => run.verdict === verdict).length;
    if (count === 0) return [];
    return [
      `<li>${count} <span class="v ${kindOf(verdict)}">${verdict}</span> ${meanings[verdict]}`,
    ];
  });
  return `<ul class="counts">\n${items.join("\n")}\n</ul>`;
}

function attention(people: readonly Person[]): string {
  const rows = people.flatMap(({ runs: [run] }) => {
    if (run === undefined || run.verdict === "pass") return [];
    const { user, verdict, scheduledAt, reason } = run;
    const why = escapeHtml(reason ?? meanings[verdict]);
    return [
      `<tr>${nameCell(user)}<td>${badge(run)}<td>${minute(scheduledAt)}<td class="why">${why}`,
    ];
  });
  if (rows.length === 0) return "<p>Everybody passed the last time.</p>";
  const head =
    '<tr><th scope="col">Person<th scope="col">Verdict<th scope="col">Run<th scope="col">Why';
  return `<h2>Did not pass the last time</h2>
<div class="wide"><table>\n<thead>${head}</thead>\n<tbody>\n${rows.join("\n")}\n</tbody></table></div>`;
}

function grid(people: readonly Person[]): string {
  const columns = Math.min(mostColumns, Math.max(...people.map(({ runs }) => runs.length)));
  const numbers = Array.from({ length: columns }, (_, index) => index);
  const head = numbers.map((index) => `<th scope="col">${index === 0 ? "Last run" : `−${index}`}`);
  const rows = people.map(({ id, name, runs }) => {
    const cells = numbers.map(
      (index) => `<td>${runs[index] === undefined ? "" : cell(runs[index])}`,
    );
    return `<tr>${nameCell({ id, name })}${cells.join("")}`;
  });
  return `<h2>All runs</h2>
<div class="wide"><table class="grid">
<thead><tr><th scope="col">Person${head.join("")}</thead>
<tbody>\n${rows.join("\n")}\n</tbody></table></div>`;
}

function nameCell({ id, name }: { id: string; name: string }): string {
  return `<th scope="row">${escapeHtml(name)}<small>${escapeHtml(id)}</small></th>`;
}

function cell(run: ReportedRun): string {
  const { scheduledAt, respondedAfterMs, channel } = run;
  const by = channel === undefined ? "" : ` by ${escapeHtml(channel)}`;
  const answer =
    respondedAfterMs === undefined ? "" : `<small>${seconds(respondedAfterMs)}${by}</small>`;
  return `${badge(run)}<small>${minute(scheduledAt)}</small>${answer}`;
}

function badge(run: ReportedRun): string {
  const { verdict, scheduledAt, incident, notifiedAfterMs, respondedAfterMs, evidence } = run;
  const lines = [
    `scheduled ${scheduledAt}`,
    notifiedAfterMs === undefined ? undefined : `notified after ${seconds(notifiedAfterMs)}`,
    respondedAfterMs === undefined ? undefined : `answered after ${seconds(respondedAfterMs)}`,
    run.reason,
    evidence.length === 0 ? undefined : `log entries ${evidence.join(", ")}`,
  ].filter((line) => line !== undefined);
  const attributes = `class="v ${kindOf(verdict)}" title="${escapeHtml(lines.join("\n"))}"`;
  return incident === undefined || !/^https?:/.test(incident.url)
    ? `<span ${attributes}>${verdict}</span>`
    : `<a ${attributes} href="${escapeHtml(incident.url)}">${verdict}</a>`;
}

function kindOf(verdict: Verdict): "good" | "odd" | "bad" {
  if (verdict === "pass") return "good";
  return ["late", "skipped", "missed", "unknown"].includes(verdict) ? "odd" : "bad";
}

/** `2026-12-01 14:55` of an ISO instant. */
const minute = (instant: string): string => instant.slice(0, 16).replace("T", " ");

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
