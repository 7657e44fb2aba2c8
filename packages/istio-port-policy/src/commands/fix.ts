import { constants } from "node:fs";
import { access, readFile, stat } from "node:fs/promises";
import { command } from "@internal/lib/command";
import { messageOf, UsageError } from "@internal/lib/errors";
import { print, writeWhole } from "@internal/lib/formats";
import type { Io } from "@internal/lib/io";
import type { FixedManifest, FixOptions, PortFix } from "../fix.ts";
import { printable } from "../report/printable.ts";
import { noteTemplate, ruleOptions } from "./options.ts";

export const fix = command({
  name: "fix",
  usage: "[OPTION…] PATH…",
  summary:
    "Adds appProtocol to the ports whose protocol Istio cannot tell, where the evidence says which it is.",
  details: `Prints a diff, and why for each port; --write changes the files. Ports are not renamed, because Ingresses,
ServiceMonitors and probes refer to them by name. Everything else in a file stays byte for byte. Exits 1 when a port
had to be left alone.`,
  positionals: { min: 1 },
  options: {
    write: { help: "change the files" },
    "opt-out-label": ruleOptions["opt-out-label"],
  },
  examples: [
    { line: "istio-port-policy fix manifests/", does: "show what would change" },
    { line: "istio-port-policy fix --write manifests/", does: "change it" },
  ],
  async run({ values, positionals, signal, io }) {
    if (positionals.includes("-")) throw new UsageError("-: only files can be fixed");
    const { selectFiles } = await import("../input/select.ts");
    const { readNamespaces } = await import("../input/read.ts");
    // A Namespace that opted out may stand in another file than its Services.
    const namespaces = await readNamespaces(positionals, signal);
    const options = { namespaces, optOutLabel: values["opt-out-label"] };
    const total = { fixed: 0, left: 0, unreadable: 0 };
    for await (const { file, missing } of selectFiles(positionals)) {
      signal.throwIfAborted();
      const fixed = missing ?? (await fixFile(file, values.write === true, options, io));
      if (typeof fixed === "string") {
        io.stderr.write(`istio-port-policy: ${file}: ${fixed}\n`);
        total.unreadable++;
        continue;
      }
      for (const port of fixed.ports) total[tell(file, port, io) ? "fixed" : "left"]++;
      for (const { line } of fixed.templates) noteTemplate(io, file, line);
      for (const { line, message } of fixed.unreadable) {
        io.stderr.write(`istio-port-policy: ${file}:${line}: ${message}\n`);
      }
      total.unreadable += fixed.unreadable.length;
    }
    const how = values.write ? "fixed" : "can be fixed with --write";
    const ports = total.fixed === 1 ? "port" : "ports";
    io.stderr.write(`${total.fixed} ${ports} ${how}, ${total.left} left alone\n`);
    if (total.unreadable > 0) return 2;
    return total.left > 0 ? 1 : 0;
  },
});

/** Fixes one file and prints the diff; a text says why it could not. */
async function fixFile(
  file: string,
  write: boolean,
  options: FixOptions,
  io: Io,
): Promise<FixedManifest | string> {
  const { fixManifest } = await import("../fix.ts");
  const { unifiedDiff } = await import("../diff.ts");
  try {
    // A pipe's text is gone once the Namespaces were looked for.
    if (!(await stat(file)).isFile()) return "only files can be fixed";
    const bytes = await readFile(file);
    const text = bytes.toString("utf8");
    const fixed = await fixManifest(text, options);
    if (fixed.text === text) return fixed;
    // Bytes that are no UTF-8 would not survive being written back.
    if (!Buffer.from(text).equals(bytes)) return "is not UTF-8, left as it is";
    if (write) {
      // A new file takes the old one's place, which would not mind that it may only be read.
      await access(file, constants.W_OK);
      await writeWhole(file, fixed.text);
    }
    await print(io.stdout, unifiedDiff(file, text, fixed.text));
    return fixed;
  } catch (error) {
    return messageOf(error).replace(`${file}: `, "");
  }
}

/** Says what became of a port; true when it was fixed. */
function tell(file: string, fix: PortFix, io: Io): boolean {
  const { namespace, service, port, appProtocol, reason } = fix;
  const what = appProtocol === undefined ? "left alone: " : `appProtocol: ${appProtocol}, as `;
  const about = `${file}: Service ${namespace} ${service}: port ${port}`;
  io.stderr.write(`${printable(`${about}: ${what}${reason}`)}\n`);
  return appProtocol !== undefined;
}
