import { type Paint, paintFor } from "@internal/lib/colors";
import { command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import { parseFormats, writeFormats } from "@internal/lib/formats";
import { formatTable } from "@internal/lib/table";
import type { Readiness, ReadinessRule } from "../gate/readiness.ts";
import type { GateRecord } from "../gate/readiness-record.ts";
import type { Kubernetes } from "../kubernetes/kubernetes.ts";
import type { Node } from "../kubernetes/objects.ts";

/** `ready --format json`. */
interface ReadyReport extends Readiness {
  node: string;
  instanceId?: string;
  /** It is kept from pods by the startup taint. */
  tainted: boolean;
  /** What CloudFormation was told about it. */
  told?: GateRecord["told"];
}

/** `node-rollout ready` */
export const readyCommand = command({
  name: "ready",
  usage: "[OPTION…] NODE|INSTANCE",
  summary: "Says whether a node is ready by the gate's rule, and why not.",
  details: `Judges as run does, by the configuration's readiness block; without --config it asks for the condition
Ready. Needs no AWS. Exits 1 when the node is not ready.`,
  options: {
    config: { value: "FILE", help: "the daemon's configuration" },
    context: { value: "NAME", help: "a context of the kubeconfig" },
    format: { value: "NAME[=FILE]", multiple: true, help: "text or json" },
  },
  examples: [
    {
      line: "node-rollout ready i-0123456789abcdef0 --config node-rollout.yaml",
      does: "a line for every demand",
    },
  ],
  positionals: { min: 1, max: 1 },
  async run({ values, positionals: [target = ""], signal, io }) {
    const requests = parseFormats(values.format ?? [], ["text", "json"]);
    const rule = await ruleOf(values.config);
    const { connectKubernetes } = await import("../kubernetes/connect.ts");
    const { context } = values;
    const options = context === undefined ? {} : { context };
    const kubernetes = await connectKubernetes({ ...options, env: io.env });
    const node = await readNode(kubernetes, target, signal);
    const report = await judge(kubernetes, node, rule, signal);
    await writeFormats(
      requests,
      (name, { file }) =>
        name === "json"
          ? `${JSON.stringify(report, undefined, 2)}\n`
          : readyText(report, paintFor(file === undefined ? io.stdout : {}, io.env)),
      io,
    );
    return report.ready ? 0 : 1;
  },
});

/** The node by its name, or by its instance's id. */
async function readNode(
  kubernetes: Kubernetes,
  target: string,
  signal: AbortSignal,
): Promise<Node> {
  const [{ nodePath }, { findNode }, { toNode }] = await Promise.all([
    import("../drain/cordon.ts"),
    import("../kubernetes/find-node.ts"),
    import("../kubernetes/objects.ts"),
  ]);
  const name = await findNode(kubernetes, target, signal);
  if (name === undefined) throw new UsageError(`${target}: no node has this name or instance id`);
  return toNode(await kubernetes.request({ path: nodePath(name), signal }));
}

type Rule = ReadinessRule & { startupTaint: string };

async function ruleOf(file: string | undefined): Promise<Rule> {
  const { defaultStartupTaint } = await import("../gate/readiness-config.ts");
  if (file === undefined) {
    return {
      conditions: [{ type: "Ready", status: "True" }],
      startupTaint: defaultStartupTaint,
    };
  }
  const { readConfig } = await import("@internal/lib/yaml-config");
  const { configSchema } = await import("../config.ts");
  const { readiness } = (await readConfig(file, configSchema)).value;
  if (readiness !== undefined) return readiness as Rule;
  throw new UsageError(`${file}: it has no readiness block, so that run gates no nodes`);
}

async function judge(
  kubernetes: Kubernetes,
  node: Node,
  rule: Rule,
  signal: AbortSignal,
): Promise<ReadyReport> {
  const [{ evaluateReadiness }, { listPodsOn }, { recordOf }, { hasTaint }, { instanceIdOfNode }] =
    await Promise.all([
      import("../gate/readiness.ts"),
      import("../gate/pods.ts"),
      import("../gate/changes.ts"),
      import("../gate/untaint.ts"),
      import("../kubernetes/objects.ts"),
    ]);
  const { name } = node.metadata;
  const wantsPods = (rule.daemonSets ?? []).length > 0;
  const pods = wantsPods ? await listPodsOn(kubernetes, name, signal) : [];
  const { told } = recordOf(node) ?? {};
  const instanceId = instanceIdOfNode(node);
  return {
    ...{ node: name, ...(instanceId !== undefined && { instanceId }) },
    ...evaluateReadiness(node, rule, new Date(), pods),
    tainted: hasTaint(node.spec.taints, rule.startupTaint),
    ...(told && { told }),
  };
}

function readyText(report: ReadyReport, paint: Paint): string {
  const { node, ready, reasons } = report;
  const rows = reasons.map(({ condition, ok, message }) => [
    ok ? paint("green", "ok") : paint("red", "no"),
    condition,
    message,
  ]);
  const verdict = ready ? paint("green", "is ready") : paint("red", "is not ready");
  return `${[...formatTable(rows), `${node} ${verdict}${stateText(report)}`].join("\n")}\n`;
}

function stateText({ tainted, told }: ReadyReport): string {
  const behind = tainted ? "; it is behind the startup taint" : "";
  if (told === undefined) return behind;
  const heard = { good: "was told that it is ready", bad: "was told that it failed" };
  const { result, at } = told;
  return `${behind}${result === "nobody" ? "" : `; CloudFormation ${heard[result]} at ${at}`}`;
}
