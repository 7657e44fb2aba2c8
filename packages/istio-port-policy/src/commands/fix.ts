import { readFile, writeFile } from "node:fs/promises";
import { command } from "@internal/lib/command";
import { messageOf, UsageError } from "@internal/lib/errors";
import { print } from "@internal/lib/formats";
import type { Io } from "@internal/lib/io";
import type { PortFix } from "../fix.ts";

export const fix = command({
  name: "fix",
  usage: "[--write] PATH…",
  summary:
    "Adds appProtocol to the ports whose protocol Istio cannot tell, where the evidence says which it is.",
  details: `Prints a diff, and why for each port; --write changes the files. Ports are not renamed, because Ingresses,
ServiceMonitors and probes refer to them by name. Everything else in a file stays byte for byte. Exits 1 when a port
had to be left alone.`,
  positionals: { min: 1 },
  options: { write: { help: "change the files" } },
  examples: [
    { line: "istio-port-policy fix manifests/", does: "show what would change" },
    { line: "istio-port-policy fix --write manifests/", does: "change it" },
  ],
  async run({ values, positionals, signal, io }) {
    if (positionals.includes("-")) throw new UsageError("-: only files can be fixed");
    const { selectFiles } = await import("../input/select.ts");
    const total = { fixed: 0, left: 0, unreadable: 0 };
    for await (const { file, missing } of selectFiles(positionals)) {
      signal.throwIfAborted();
      const ports =
        missing === undefined ? await fixFile(file, values.write === true, io) : missing;
      if (typeof ports === "string") {
        io.stderr.write(`istio-port-policy: ${file}: ${ports}\n`);
        total.unreadable++;
        continue;
      }
      for (const port of ports) total[tell(file, port, io) ? "fixed" : "left"]++;
    }
    const how = values.write ? "fixed" : "can be fixed with --write";
    io.stderr.write(`${total.fixed} ports ${how}, ${total.left} left alone\n`);
    if (total.unreadable > 0) return 2;
    return total.left > 0 ? 1 : 0;
  },
});

/** Fixes one file and prints the diff; a text says why it could not. */
async function fixFile(file: string, write: boolean, io: Io): Promise<PortFix[] | string> {
  const { fixManifest } = await import("../fix.ts");
  const { unifiedDiff } = await import("../diff.ts");
  try {
    const bytes = await readFile(file);
    const text = bytes.toString("utf8");
    const fixed = await fixManifest(text);
    if (fixed.text === text) return fixed.ports;
    // Bytes that are no UTF-8 would not survive being written back.
    if (!Buffer.from(text).equals(bytes)) return "is not UTF-8, left as it is";
    await print(io.stdout, unifiedDiff(file, text, fixed.text));
    if (write) await writeFile(file, fixed.text);
    return fixed.ports;
  } catch (error) {
    return messageOf(error).replace(`${file}: `, "");
  }
}

/** Says what became of a port; true when it was fixed. */
function tell(file: string, fix: PortFix, io: Io): boolean {
  const { namespace, service, port, appProtocol, reason } = fix;
  const what = appProtocol === undefined ? "left alone: " : `appProtocol: ${appProtocol}, as `;
  io.stderr.write(`${file}: Service ${namespace} ${service}: port ${port}: ${what}${reason}\n`);
  return appProtocol !== undefined;
}
