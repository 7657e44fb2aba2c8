import { formatTable } from "@internal/lib/table";
import { secondsText } from "../time.ts";
import type { NodeStatus } from "./status.ts";

/** The nodes in hand as a table, one line for each thing a node waits for. */
export function statusText(nodes: readonly NodeStatus[], now: Date): string {
  if (nodes.length === 0) return "no node is in hand\n";
  const age = (at: Date | undefined) =>
    at === undefined ? "" : secondsText((now.getTime() - at.getTime()) / 1000);
  const rows = nodes.flatMap(({ node, instanceId, phase, since, renewedAt, waits }) => {
    const [first, ...more] = waits.map(
      ({ object, message, since: waitsSince }) => `${object}: ${message}, for ${age(waitsSince)}`,
    );
    return [
      [node, instanceId, phase, age(since), age(renewedAt), first ?? ""],
      ...more.map((text) => ["", "", "", "", "", text]),
    ];
  });
  const head = ["NODE", "INSTANCE", "PHASE", "FOR", "HEARD", "WAITS FOR"];
  return `${formatTable([head, ...rows]).join("\n")}\n`;
}
