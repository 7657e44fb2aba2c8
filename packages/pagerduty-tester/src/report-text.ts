import type { Paint } from "@internal/lib/colors";
import { formatTable } from "@internal/lib/table";
import type { TestReport } from "./report.ts";
import type { Verdict } from "./verdict.ts";
import { seconds } from "./words.ts";

/** A report as a table for people. */
export function reportText({ runs }: TestReport, paint: Paint): string {
  if (runs.length === 0) return "no verdicts yet\n";
  const head = ["NAME", "SCHEDULED", "VERDICT", "NOTIFIED", "ANSWERED", "BY", "INCIDENT"];
  const rows = runs.map((run) => [
    run.user.name,
    run.scheduledAt.replace(".000Z", "Z"),
    paint(colorOf(run.verdict), run.verdict),
    after(run.notifiedAfterMs),
    after(run.respondedAfterMs),
    run.channel ?? "",
    run.incident?.url ?? run.reason ?? "",
  ]);
  return `${formatTable([head, ...rows]).join("\n")}\n`;
}

function after(milliseconds: number | undefined): string {
  return milliseconds === undefined ? "" : seconds(milliseconds);
}

function colorOf(verdict: Verdict): "green" | "yellow" | "red" {
  if (verdict === "pass") return "green";
  return verdict === "late" || verdict === "skipped" ? "yellow" : "red";
}
