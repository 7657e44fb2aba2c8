import { formatTable } from "@internal/lib/table";
import { reasons } from "./display.ts";
import type { DrainTally } from "./tally.ts";

/** What was planned for each node, as a table. */
export function planText(tallies: readonly DrainTally[]): string {
  const title = ({ node }: DrainTally) => (tallies.length > 1 ? `${node}:\n` : "");
  return tallies.map((tally) => title(tally) + planTable(tally)).join("\n");
}

/** What became of each node, in words. */
export function drainText(tallies: readonly DrainTally[]): string {
  return tallies.map(resultText).join("");
}

function resultText(tally: DrainTally): string {
  switch (tally.result) {
    case "planned":
      return `${tally.node} was left as it is\n`;
    case "blocked":
      return blockedText(tally);
    default:
      return `${endText(tally)}\n`;
  }
}

/** The same for programs; instants are ISO 8601. */
export function drainJson(tallies: readonly DrainTally[]): string {
  return `${JSON.stringify({ nodes: tallies }, undefined, 2)}\n`;
}

function planTable({ plan }: DrainTally): string {
  const rows = plan.map(({ action, pod, group, graceSeconds, reason }) => [
    action,
    `${pod.namespace}/${pod.name}`,
    group,
    `${graceSeconds} s`,
    reason,
  ]);
  return `${formatTable([["ACTION", "POD", "GROUP", "GRACE", "REASON"], ...rows]).join("\n")}\n`;
}

/** Nothing has been touched when this is printed. */
function blockedText({ node, plan }: DrainTally): string {
  const lines = plan
    .filter(({ action }) => action === "block")
    .map(({ pod, reason }) => `  ${pod.namespace}/${pod.name}: ${reason}`);
  return [
    `${node} cannot be drained, and was left as it is:`,
    ...lines,
    "--delete-emptydir-data and --force allow what they name.\n",
  ].join("\n");
}

function endText({ node, result, gone, total, durationMs = 0, waits }: DrainTally): string {
  if (result === "drained") return `${node} drained in ${(durationMs / 1000).toFixed(1)} s`;
  if (result === "nodeGone") return `${node} was deleted meanwhile`;
  return `${node} not empty in time, ${gone} of ${total} pods are gone; it waits for ${reasons(waits)}`;
}
