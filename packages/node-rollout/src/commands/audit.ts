import type { Readable } from "node:stream";
import { paintFor } from "@internal/lib/colors";
import { command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import { parseFormats, writeFormats } from "@internal/lib/formats";
import { parseNumber } from "@internal/lib/numbers";
import { printYaml } from "@internal/lib/yaml-documents";
import packageJson from "../../package.json" with { type: "json" };

/** `node-rollout audit` */
export const auditCommand = command({
  name: "audit",
  usage: "[OPTION…] [PATH…|-]",
  summary: "Audits PodDisruptionBudgets: in manifests, or without a PATH in the live cluster.",
  details: `Finds workloads without a budget or with two, budgets that never allow a disruption or that sick pods
block, single replicas, and the smallest sets of nodes that take a workload down.`,
  options: {
    context: { value: "NAME", help: "a context of the kubeconfig" },
    nodes: {
      value: "K",
      help: "report what any K nodes, down at once, take below its minimum or to zero",
    },
    fix: { help: "print the missing budgets instead, for kubectl apply -f -" },
    format: { value: "NAME[=FILE]", multiple: true, help: "text, json or sarif" },
  },
  positionals: {},
  examples: [
    { line: "node-rollout audit", does: "the live cluster" },
    {
      line: "node-rollout audit manifests --format text --format sarif=audit.sarif",
      does: "files, in CI",
    },
    { line: "node-rollout audit --fix | kubectl apply -f -", does: "create the missing budgets" },
  ],
  async run({ values, positionals, signal, io }) {
    const requests = parseFormats(values.format ?? [], ["text", "json", "sarif"]);
    refuseUseless(values, positionals);
    const nodes = parseNumber("--nodes", values.nodes, { what: "a count", whole: true, from: 1 });
    const limit = nodes === undefined ? {} : { nodes };
    const input = await readInput(positionals, values.context, io, signal);
    const { workloads, budgets, pods, placeOf } = input;
    for (const problem of input.problems) io.stderr.write(`node-rollout: ${problem}\n`);
    const isBroken = input.problems.length > 0;
    if (isBroken && [workloads, budgets, pods].every(({ length }) => length === 0)) return 2;
    if (values.fix) {
      const fixed = await printFix(input, io);
      return isBroken ? 2 : fixed;
    }
    const { auditBudgets } = await import("../audit/audit.ts");
    const { auditSarif, auditText } = await import("../audit/report.ts");
    const audit = auditBudgets(workloads, budgets, pods, limit);
    await writeFormats(
      requests,
      (name, { file }) => {
        if (name === "json") return `${JSON.stringify(audit, undefined, 2)}\n`;
        if (name === "sarif") return auditSarif(audit, placeOf, packageJson.version);
        return auditText(audit, placeOf, paintFor(file === undefined ? io.stdout : {}, io.env));
      },
      io,
    );
    if (isBroken) return 2;
    return audit.findings.length === 0 ? 0 : 1;
  },
});

type Io = Parameters<Parameters<typeof command>[0]["run"]>[0]["io"];

/** What would be passed over in silence is more likely a mistake. */
function refuseUseless(
  {
    fix,
    format,
    nodes,
    context,
  }: { fix?: boolean; format?: string[]; nodes?: string; context?: string },
  paths: readonly string[],
): void {
  if (fix && (format !== undefined || nodes !== undefined)) {
    throw new UsageError("--fix prints budgets and no report; leave out --format and --nodes");
  }
  if (context !== undefined && paths.length > 0) {
    throw new UsageError("--context is for the live cluster; leave it out, or the PATH");
  }
}

async function readInput(
  paths: string[],
  context: string | undefined,
  io: Io,
  signal: AbortSignal,
): Promise<import("../audit/manifests.ts").AuditInput> {
  if (paths.length > 0) {
    const { readManifests } = await import("../audit/manifests.ts");
    return readManifests(paths, io.stdin as Readable, signal);
  }
  const { connectKubernetes } = await import("../kubernetes/connect.ts");
  const { readCluster } = await import("../audit/cluster.ts");
  const options = context === undefined ? {} : { context };
  return readCluster(await connectKubernetes({ ...options, env: io.env }), signal);
}

/** Prints the missing budgets as YAML; 1 when there are workloads that none of them helps. */
async function printFix(
  input: import("../audit/manifests.ts").AuditInput,
  io: Io,
): Promise<number> {
  const { missingBudgets } = await import("../audit/fix.ts");
  const { subjectOf } = await import("../audit/report.ts");
  const { budgets, unfixed } = missingBudgets(input.workloads, input.budgets, input.pods);
  await printYaml(io.stdout, budgets);
  for (const { workload, reason } of unfixed) {
    io.stderr.write(`node-rollout: ${subjectOf(workload)}: no budget made: ${reason}\n`);
  }
  return unfixed.length === 0 ? 0 : 1;
}
