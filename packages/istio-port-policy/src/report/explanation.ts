import { formatTable } from "@internal/lib/table";
import type { PortExplanation } from "../explain.ts";
import { printable } from "./printable.ts";

const headings = [
  "SERVICE",
  "PORT",
  "NAME",
  "APPPROTOCOL",
  "PROTOCOL",
  "DECIDED BY",
  "SIDECAR",
  "AMBIENT",
];

/**
 * A table of ports; where a terminal is too narrow for it, some lines for each port.
 *
 * @param columns how wide the terminal is, if it is one
 */
export function toExplanation(ports: readonly PortExplanation[], columns?: number): string {
  const rows = ports.map(({ namespace, service, port, protocol, decidedBy, sidecar, ambient }) =>
    [
      `${namespace}/${service}`,
      `${port.number ?? "?"}/${port.transport}`,
      port.name || "-",
      port.appProtocol ?? "-",
      protocol,
      decidedBy,
      sidecar,
      ambient,
    ].map(printable),
  );
  const table = formatTable([headings, ...rows]);
  const fits = columns === undefined || table.every((line) => line.length <= columns);
  return `${(fits ? table : rows.flatMap(toLines)).join("\n")}\n`;
}

function toLines([service, port, name, appProtocol, protocol, decidedBy, ...means]: string[]) {
  const said = appProtocol === "-" ? name : `${name} (appProtocol ${appProtocol})`;
  return [
    `${service} ${port} ${said}`,
    `  ${protocol}, decided by: ${decidedBy}`,
    ...means.map((text, index) => `  ${index === 0 ? "sidecar" : "ambient"}: ${text}`),
  ];
}
