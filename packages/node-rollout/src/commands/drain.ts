import { command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import { print } from "@internal/lib/formats";
import { formatTable } from "@internal/lib/table";
import type { DrainProgress } from "../drain.ts";
import type { Kubernetes } from "../kubernetes.ts";

export const drainCommand = command({
  name: "drain",
  usage: "NODE|INSTANCE",
  summary: "Empty a node as fast as its PodDisruptionBudgets allow.",
  details:
    "Needs no AWS. The node is named by its name or its EC2 instance id, and stays cordoned.",
  options: {
    "dry-run": { help: "print what would be done with each pod, and do nothing" },
    "delete-emptydir-data": { help: "evict pods although their emptyDir data is lost" },
    force: { help: "evict pods that no controller starts again" },
    "grace-period": { value: "S", help: "seconds each pod gets to end; default its own" },
    timeout: { value: "S", help: "seconds after which to give up; default never" },
    context: { value: "NAME", help: "the kubeconfig's context" },
  },
  examples: [
    { line: "node-rollout drain ip-10-0-1-7.ec2.internal --dry-run", does: "the plan" },
    { line: "node-rollout drain i-0123456789abcdef0", does: "drain it" },
  ],
  positionals: { min: 1, max: 1 },
  async run({ values, positionals: [target = ""], signal, io }) {
    const [{ connectKubernetes }, { drainNode }] = await Promise.all([
      import("../kubernetes-connect.ts"),
      import("../drain.ts"),
    ]);
    const graceSeconds = secondsOf("--grace-period", values["grace-period"]);
    const timeout = secondsOf("--timeout", values.timeout);
    const { context } = values;
    const kubernetes = await connectKubernetes(context === undefined ? {} : { context });
    const options = {
      kubernetes,
      node: await findNode(kubernetes, target, signal),
      policy: {
        deleteEmptyDir: values["delete-emptydir-data"] ?? false,
        evictUnreplicated: values.force ?? false,
        ...(graceSeconds === undefined ? {} : { graceSeconds }),
      },
      ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }),
      signal,
    };
    for await (const event of drainNode({ ...options, dryRun: true })) {
      if (event.type !== "planned") continue;
      if (values["dry-run"]) await print(io.stdout, planText(event));
      if (event.blocked.length > 0) {
        io.stderr.write(`${blockedText(options.node, event)}\n`);
        return 1;
      }
    }
    if (values["dry-run"]) return 0;
    let code = 1;
    for await (const event of drainNode(options)) {
      const text = progressText(event);
      if (text !== undefined) io.stderr.write(`${text}\n`);
      if (event.type === "drained") {
        await print(io.stdout, `${options.node} drained in ${seconds(event.durationMs)}\n`);
        code = 0;
      }
    }
    return code;
  },
});

function secondsOf(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d+(\.\d+)?$/.test(value)) throw new UsageError(`${option} ${value}: expected seconds`);
  return Number(value);
}

/** The node by its name, or by its instance's id. */
async function findNode(kubernetes: Kubernetes, target: string, signal: AbortSignal) {
  const [{ nodePath }, { isApiError }, { instanceIdOfNode, toNode }, { listPages }] =
    await Promise.all([
      import("../cordon.ts"),
      import("../kubernetes.ts"),
      import("../objects.ts"),
      import("../pages.ts"),
    ]);
  try {
    await kubernetes.request({ path: nodePath(target), signal });
    return target;
  } catch (error) {
    if (!isApiError(error, 404)) throw error;
  }
  const { items } = await listPages(kubernetes, { path: "/api/v1/nodes", signal }, toNode);
  const node = items.find((item) => instanceIdOfNode(item) === target);
  if (node === undefined) throw new UsageError(`${target}: no node has this name or instance id`);
  return node.metadata.name;
}

type Planned = Extract<DrainProgress, { type: "planned" }>;

function planText({ pods }: Planned): string {
  const rows = pods.map(({ action, pod, group, graceSeconds, reason }) => [
    action,
    `${pod.namespace}/${pod.name}`,
    group,
    `${graceSeconds} s`,
    reason,
  ]);
  return `${formatTable([["ACTION", "POD", "GROUP", "GRACE", "REASON"], ...rows]).join("\n")}\n`;
}

/** Nothing has been touched when this is printed. */
function blockedText(node: string, { blocked }: Planned): string {
  const lines = blocked.map(({ pod, reason }) => `  ${pod.namespace}/${pod.name}: ${reason}`);
  return [
    `${node} cannot be drained, and was left as it is:`,
    ...lines,
    "--delete-emptydir-data and --force allow what they name.",
  ].join("\n");
}

function progressText(event: DrainProgress): string | undefined {
  switch (event.type) {
    case "cordoned":
      return `cordoned ${event.node}`;
    case "evicted":
      return `evicted ${event.pod.namespace}/${event.pod.name}`;
    case "waiting": {
      const held = event.waits.filter(({ code }) => code !== "terminating" && code !== "retry");
      return held.length === 0 ? undefined : `waiting for ${reasons(held)}`;
    }
    case "failed":
      return `trying again: ${(event.error as Error).message}`;
    case "timedOut":
      return `not empty in time: ${reasons(event.waits)}`;
    default:
      return undefined;
  }
}

function reasons(waits: { object: string; message: string }[]): string {
  return [...new Set(waits.map(({ object, message }) => `${object} (${message})`))].join(", ");
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
