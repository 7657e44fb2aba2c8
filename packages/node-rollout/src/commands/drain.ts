import { paintFor } from "@internal/lib/colors";
import { command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import { parseFormats, writeFormats } from "@internal/lib/formats";
import type { Io } from "@internal/lib/io";
import { parseNumber } from "@internal/lib/numbers";
import { excludeLabel } from "../drain/cordon.ts";
import type { DrainNodesOptions } from "../drain/nodes.ts";
import type { DrainTally } from "../drain/tally.ts";
import type { Kubernetes } from "../kubernetes/kubernetes.ts";

/** `node-rollout drain` */
export const drainCommand = command({
  name: "drain",
  usage: "[OPTION…] NODE|INSTANCE…",
  summary: "Empties nodes as fast as their PodDisruptionBudgets allow.",
  details: `Needs no AWS. A node is named by its name or its EC2 instance id, and stays cordoned. Nothing is touched
when a pod must not be evicted; the text names every obstacle. Several nodes are drained at once.`,
  options: {
    "dry-run": { help: "print what would be done with each pod, and do nothing" },
    "delete-emptydir-data": { help: "evict pods although their emptyDir data is lost" },
    force: { help: "evict pods that no controller starts again" },
    "grace-period": { value: "S", help: "seconds each pod gets to end; default its own" },
    timeout: { value: "S", help: "seconds after which to give up; default never" },
    "wait-for-volumes": { help: "wait until the nodes' volumes are detached, too" },
    qps: { value: "N", help: "requests a second, over all nodes; default 50" },
    context: { value: "NAME", help: "the kubeconfig's context" },
    format: { value: "NAME[=FILE]", multiple: true, help: "text or json, of the result" },
  },
  examples: [
    { line: "node-rollout drain ip-10-0-1-7.ec2.internal --dry-run", does: "the plan" },
    { line: "node-rollout drain i-0123456789abcdef0", does: "drain it" },
  ],
  positionals: { min: 1 },
  async run({ values, positionals, signal, io }) {
    const requests = parseFormats(values.format ?? [], ["text", "json"]);
    const graceSeconds = parseNumber("--grace-period", values["grace-period"], { what: "seconds" });
    const timeout = parseNumber("--timeout", values.timeout, { what: "seconds" });
    const qps = parseNumber("--qps", values.qps, { what: "requests a second", above: 0 }) ?? 50;
    const { connectKubernetes } = await import("../kubernetes/connect.ts");
    const { createTokenBucket } = await import("../kubernetes/token-bucket.ts");
    const { context } = values;
    const kubernetes = await connectKubernetes({
      ...(context === undefined ? {} : { context }),
      env: io.env,
    });
    const tallies = await drainAll(
      {
        kubernetes,
        nodes: await findNodes(kubernetes, positionals, signal),
        policy: {
          deleteEmptyDir: values["delete-emptydir-data"] ?? false,
          evictUnreplicated: values.force ?? false,
          ...(graceSeconds === undefined ? {} : { graceSeconds }),
        },
        bucket: createTokenBucket({ qps, burst: Math.max(1, qps * 6) }),
        ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }),
        volumes: values["wait-for-volumes"] ?? false,
        dryRun: values["dry-run"] ?? false,
        signal,
      },
      io,
    );
    const { drainJson, drainText, planText } = await import("../drain/report.ts");
    const inWords = values["dry-run"] ? planText : drainText;
    const render = (name: "text" | "json") =>
      name === "json" ? drainJson(tallies) : inWords(tallies);
    await writeFormats(requests, render, io);
    const good = ["planned", "drained", "nodeGone"];
    return tallies.every(({ result }) => good.includes(result)) ? 0 : 1;
  },
});

/** Drains the nodes, unless one of the plans is blocked, and shows how it goes on stderr. */
async function drainAll(options: DrainNodesOptions, io: Io): Promise<DrainTally[]> {
  const [{ drainNodes }, { createTally }, { createBars, createLines }] = await Promise.all([
    import("../drain/nodes.ts"),
    import("../drain/tally.ts"),
    import("../drain/display.ts"),
  ]);
  const counts = new Map(options.nodes.map((node) => [node, createTally(node)]));
  const tallies = [...counts.values()].map(({ tally }) => tally);
  const display = io.stderr.isTTY
    ? createBars(io.stderr, paintFor(io.stderr, io.env))
    : createLines((text) => io.stderr.write(text), options.nodes);
  let plans = 0;
  try {
    for await (const event of drainNodes(options)) {
      counts.get(event.node)?.add(event.progress);
      display.show(event, tallies);
      if (event.progress.type === "planned") plans += 1;
      const isPlanned = plans === tallies.length;
      if (isPlanned && tallies.some(({ result }) => result === "blocked")) return tallies;
      refuse(event.progress);
    }
  } catch (error) {
    display.close();
    if (options.signal?.aborted) io.stderr.write(brokenOffText(tallies));
    throw error;
  } finally {
    display.close();
  }
  return tallies;
}

/** Without the right to evict nothing will ever go; a pod that an admission policy protects is a different matter. */
function refuse(progress: import("../drain/progress.ts").DrainProgress): void {
  if (progress.type !== "refused" || progress.outcome.kind !== "forbidden") return;
  const { message } = progress.outcome;
  if (message.includes('cannot create resource "pods/eviction"')) throw new UsageError(message);
}

/** What a user who pressed Ctrl-C should know. */
function brokenOffText(tallies: readonly DrainTally[]): string {
  return tallies
    .filter(({ result }) => result === "draining")
    .map(
      ({ node, gone, total }) =>
        `${node} stays cordoned, ${gone} of ${total} pods are gone; kubectl uncordon ${node} && kubectl label node ${node} ${excludeLabel}- gives it back\n`,
    )
    .join("");
}

/** The nodes by their names, or by their instances' ids; each once. */
async function findNodes(
  kubernetes: Kubernetes,
  targets: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const { findNode } = await import("../kubernetes/find-node.ts");
  const names = await Promise.all(targets.map((target) => findNode(kubernetes, target, signal)));
  const missing = targets.filter((_, index) => names[index] === undefined);
  if (missing.length > 0) {
    throw new UsageError(`${missing.join(", ")}: no node has this name or instance id`);
  }
  return [...new Set(names.filter((name) => name !== undefined))];
}
