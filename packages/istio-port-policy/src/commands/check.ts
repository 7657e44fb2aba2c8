import { command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import { parseFormats, writeFormats } from "@internal/lib/formats";
import type { Io } from "@internal/lib/io";
import type { CheckReport, PortFinding } from "../finding.ts";
import { ruleOptions, toCheckOptions } from "./options.ts";

const formats = ["text", "json"] as const;

export const check = command({
  name: "check",
  usage: "[OPTION…] [PATH…|-]",
  summary: "Finds the Service ports whose protocol Istio cannot tell.",
  details: `PATH is a file, a folder (its YAML and JSON, without what git ignores), a glob, or - for the standard
input. Errors make it exit 1, warnings only with --strict; what cannot be read makes it exit 2 at the end.`,
  positionals: { min: 0 },
  options: {
    ...ruleOptions,
    strict: { help: "warnings fail the check as well" },
    format: {
      value: "NAME[=FILE]",
      multiple: true,
      help: `${formats.join(", ")}; to a file, or to stdout`,
    },
  },
  examples: [
    { line: "istio-port-policy check manifests/", does: "every Service in a folder" },
    { line: "helm template . | istio-port-policy check -", does: "what a chart renders" },
    {
      line: "istio-port-policy check --rule name --format json=ports.json .",
      does: "the naming convention, with a report for a machine",
    },
  ],
  async run({ values, positionals, signal, io }) {
    const requests = parseFormats(values.format ?? [], formats);
    const options = toCheckOptions(values);
    if (positionals.length === 0) {
      throw new UsageError("nothing to check; give a PATH, or - for the standard input");
    }
    const sources = new Map<PortFinding, string>();
    const { checkManifests } = await import("../check-manifests.ts");
    const report = await checkManifests(positionals, {
      ...options,
      signal,
      stdin: io.stdin as AsyncIterable<string | Uint8Array>,
      onTemplate: (file, line) => noteTemplate(io, file, line),
      onSource: (finding, line) => sources.set(finding, line),
    });
    const { render } = await import("../report/render.ts");
    await writeFormats(requests, (name, target) => render(name, report, sources, target, io), io);
    tellUnreadable(report, io);
    return exitCode(report, values.strict === true);
  },
});

function noteTemplate(io: Io, file: string, line: number): void {
  io.stderr.write(
    `istio-port-policy: ${file}:${line}: a template, skipped; check what it renders: helm template CHART | istio-port-policy check -\n`,
  );
}

function tellUnreadable({ unreadable }: CheckReport, io: Io): void {
  for (const { file, line, message } of unreadable) {
    const place = line === undefined ? file : `${file}:${line}`;
    io.stderr.write(`istio-port-policy: ${place}: ${message}\n`);
  }
}

function exitCode({ findings, unreadable }: CheckReport, strict: boolean): number {
  if (unreadable.length > 0) return 2;
  return findings.some(({ severity }) => strict || severity === "error") ? 1 : 0;
}
