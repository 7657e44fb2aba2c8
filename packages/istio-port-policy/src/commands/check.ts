import { command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import { parseFormats, writeFormats } from "@internal/lib/formats";
import type { Io } from "@internal/lib/io";
import type { CheckClusterOptions } from "../check-cluster.ts";
import type { CheckOptions, CheckReport, PortFinding } from "../finding.ts";
import { contextOf, noteTemplate, ruleOptions, toCheckOptions } from "./options.ts";

const formats = ["text", "json", "sarif", "junit", "github"] as const;

export const check = command({
  name: "check",
  usage: "[OPTION…] PATH…|-|--cluster",
  summary: "Finds the Service ports whose protocol Istio cannot tell.",
  details: `PATH is a file, a folder (its YAML and JSON, without what git ignores), a glob, or - for the standard
input. Errors make it exit 1, warnings only with --strict; what cannot be read makes it exit 2 at the end.`,
  positionals: { min: 0 },
  options: {
    ...ruleOptions,
    cluster: { help: "check the Services of a live cluster instead of files" },
    context: { value: "NAME", help: "with --cluster: a context of the kubeconfig" },
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
    { line: "istio-port-policy check --cluster --context prod", does: "a live cluster" },
    {
      line: "istio-port-policy check --rule name --format text --format sarif=ports.sarif .",
      does: "the naming convention, with a report for code scanning",
    },
  ],
  async run({ values, positionals, signal, io }) {
    const requests = parseFormats(values.format ?? [], formats);
    const options = toCheckOptions(values);
    if (positionals.length > 0 === (values.cluster === true)) {
      throw new UsageError(
        values.cluster
          ? "--cluster takes no PATH; check one after the other"
          : "nothing to check; give a PATH, - for the standard input, or --cluster",
      );
    }
    const context = contextOf(values);
    const sources = new Map<PortFinding, string>();
    const report = values.cluster
      ? await checkLive({ ...options, context, signal })
      : await checkFiles(positionals, options, sources, signal, io);
    const { render } = await import("../report/render.ts");
    await writeFormats(requests, (name, target) => render(name, report, sources, target, io), io);
    tellUnreadable(report, io);
    if (!values.cluster) tellNothingFound(positionals, report, io);
    return exitCode(report, values.strict === true);
  },
});

async function checkLive(options: CheckClusterOptions): Promise<CheckReport> {
  const { checkCluster } = await import("../check-cluster.ts");
  return checkCluster(options);
}

async function checkFiles(
  paths: string[],
  options: CheckOptions,
  sources: Map<PortFinding, string>,
  signal: AbortSignal,
  io: Io,
): Promise<CheckReport> {
  const { checkManifests } = await import("../check-manifests.ts");
  return checkManifests(paths, {
    ...options,
    signal,
    stdin: io.stdin as AsyncIterable<string | Uint8Array>,
    onTemplate: (file, line) => noteTemplate(io, file, line),
    onSource: (finding, line) => sources.set(finding, line),
  });
}

function tellUnreadable({ unreadable }: CheckReport, io: Io): void {
  for (const { file, line, message } of unreadable) {
    const place = line === undefined ? file : `${file}:${line}`;
    io.stderr.write(`istio-port-policy: ${place}: ${message}\n`);
  }
}

/** A folder that is empty, or wholly ignored by git, is more often a mistake than meant. */
function tellNothingFound(paths: string[], { checked, unreadable }: CheckReport, io: Io): void {
  if (checked.files > 0 || unreadable.length > 0) return;
  io.stderr.write(
    `istio-port-policy: ${paths.join(" ")}: no YAML or JSON file, nothing was checked\n`,
  );
}

function exitCode({ findings, unreadable }: CheckReport, strict: boolean): number {
  if (unreadable.length > 0) return 2;
  return findings.some(({ severity }) => strict || severity === "error") ? 1 : 0;
}
