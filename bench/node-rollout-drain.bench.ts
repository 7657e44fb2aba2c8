/**
 * `drain` beside `kubectl drain` on a real API server: 100 pods of ten Deployments of 30, each with a budget of
 * maxUnavailable 3; the same without budgets; and four such nodes at once under 40 budgets of 10 %. Pods end in
 * a second and are ready half a second after they are bound.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { startProcess } from "@internal/test/cli";
import type { AuditEntry, OwnCluster } from "@internal/test/cluster";
import { component } from "@internal/test/components";
import { type FixtureOptions, makeFixture, startDrainCluster } from "./drain-fixture.ts";
import { median, printClaims } from "./report.ts";

interface Run {
  seconds: number;
  /** Of the drain's own identity. */
  requests: AuditEntry[];
  pods: number;
  /** From a budget's having room again to the next eviction under it, in milliseconds. */
  reactions: number[];
}

const everything = { clusterRules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }] };
const root = fileURLToPath(new URL("../packages/node-rollout/", import.meta.url));
const bin = `${root}dist/cli.js`;
execFileSync("npm", ["run", "--silent", "build"], {
  cwd: root,
  stdio: ["ignore", "ignore", "inherit"],
});
const kubectl = await component("kubectl");

const drains = {
  ours: (nodes: string[], config: string) =>
    startProcess(process.execPath, [bin, "drain", ...nodes], { env: { KUBECONFIG: config } }).ended,
  /** One process a node: given several, kubectl drains one after the other. */
  kubectl: async (nodes: string[], config: string) => {
    const args = ["drain", "--ignore-daemonsets", "--kubeconfig", config];
    const all = nodes.map((node) => startProcess(kubectl, [...args, node]).ended);
    return (await Promise.all(all)).find(({ code }) => code !== 0) ?? (await all[0]);
  },
};

/** Builds a fixture, drains it, and takes it down. */
async function measure(
  cluster: OwnCluster,
  who: keyof typeof drains,
  options: FixtureOptions,
): Promise<Run> {
  const fixture = await makeFixture(cluster, options);
  const namespace = await cluster.namespace(options.name);
  const { user, kubeconfigFile } = await namespace.serviceAccount("drain", everything);
  const log = await cluster.auditLog();
  const pods = await fixture.pods();
  const watching = new AbortController();
  const freed = watchBudgets(cluster, options.name, watching.signal);
  const start = performance.now();
  const end = await drains[who](fixture.nodes, kubeconfigFile);
  const seconds = (performance.now() - start) / 1000;
  if (end?.code !== 0 || (await fixture.pods()) !== 0) {
    throw new Error(`${who}: ${end?.code} ${end?.stderr}`);
  }
  const requests = await log.entries({ user });
  watching.abort();
  await fixture.remove();
  return { seconds, requests, pods, reactions: reactionsOf(await freed, requests) };
}

interface BudgetObject {
  metadata: { name: string };
  status?: { disruptionsAllowed?: number };
}

/** When each budget had room again, by its name, in milliseconds. */
async function watchBudgets(
  cluster: OwnCluster,
  namespace: string,
  signal: AbortSignal,
): Promise<Map<string, number[]>> {
  const path = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets?watch=1`;
  const freed = new Map<string, number[]>();
  const allowed = new Map<string, number>();
  try {
    for await (const { object } of cluster.watch<BudgetObject & never>(path, signal)) {
      const { metadata, status } = object as BudgetObject;
      const now = status?.disruptionsAllowed ?? 0;
      if (now > 0 && allowed.get(metadata.name) === 0) {
        freed.set(metadata.name, [...(freed.get(metadata.name) ?? []), Date.now()]);
      }
      allowed.set(metadata.name, now);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return freed;
}

/** A pod's name begins with its Deployment's, which is its budget's. */
function reactionsOf(freed: Map<string, number[]>, requests: AuditEntry[]): number[] {
  const evictions = requests.filter(({ resource }) => resource === "pods/eviction");
  return [...freed].flatMap(([budget, instants]) => {
    const asked = evictions
      .filter(({ name = "" }) => name.startsWith(`${budget}-`))
      .map(({ at }) => at.getTime());
    return instants.flatMap((freedAt, index) => {
      const until = instants[index + 1] ?? Number.POSITIVE_INFINITY;
      const next = asked.find((at) => at >= freedAt - 50 && at < until);
      return next === undefined ? [] : [Math.max(0, next - freedAt)];
    });
  });
}

function refused({ requests }: Run): number {
  return requests.filter(({ code }) => code === 429).length;
}

function shown(run: Run): string {
  return `${run.seconds.toFixed(1)} s, ${run.requests.length} requests, ${refused(run)} × 429`;
}

await using cluster = await startDrainCluster();
const one = { nodes: 1, deployments: 10, here: 10, replicas: 30 };
const four = { nodes: 4, deployments: 40, here: 10, replicas: 30, maxUnavailable: "10%" };
const budgets = {
  kubectl: await measure(cluster, "kubectl", {
    ...one,
    name: "budgets-kubectl",
    maxUnavailable: 3,
  }),
  ours: await measure(cluster, "ours", { ...one, name: "budgets-ours", maxUnavailable: 3 }),
};
const free = {
  kubectl: await measure(cluster, "kubectl", { ...one, name: "free-kubectl" }),
  ours: await measure(cluster, "ours", { ...one, name: "free-ours" }),
};
const many = {
  kubectl: await measure(cluster, "kubectl", { ...four, name: "four-kubectl" }),
  ours: await measure(cluster, "ours", { ...four, name: "four-ours" }),
};
const ratio = (pair: typeof budgets) => pair.kubectl.seconds / pair.ours.seconds;
const perPod = budgets.ours.requests.length / budgets.ours.pods;
const reactions = [...budgets.ours.reactions, ...many.ours.reactions].toSorted((a, b) => a - b);
const slowest = reactions.at(Math.floor(reactions.length * 0.99)) ?? Number.POSITIVE_INFINITY;

printClaims("node-rollout drain beside kubectl drain", [
  {
    claim: "100 pods, ten budgets of maxUnavailable 3",
    ours: shown(budgets.ours),
    peer: `kubectl ${shown(budgets.kubectl)}`,
    figure: `${ratio(budgets).toFixed(1)}×`,
    budget: "≥ 4×",
    gated: true,
    met: ratio(budgets) >= 4,
  },
  {
    claim: "requests a pod, start to end",
    ours: perPod.toFixed(2),
    peer: `kubectl ${(budgets.kubectl.requests.length / budgets.kubectl.pods).toFixed(2)}`,
    budget: "≤ 1.1",
    gated: true,
    met: perPod <= 1.1,
  },
  {
    claim: "100 pods, no budgets",
    ours: shown(free.ours),
    peer: `kubectl ${shown(free.kubectl)}`,
    figure: `${ratio(free).toFixed(1)}×`,
    budget: "not slower",
    gated: true,
    met: ratio(free) >= 1,
  },
  {
    claim: `four nodes at once, ${many.ours.pods} pods, 40 budgets of 10 %`,
    ours: shown(many.ours),
    peer: `kubectl × 4 ${shown(many.kubectl)}`,
    figure: `${ratio(many).toFixed(1)}×`,
    budget: "≥ 2.5×",
    gated: true,
    met: ratio(many) >= 2.5,
  },
  {
    claim: `budget freed → next eviction (${reactions.length} times)`,
    ours: `median ${median(reactions).toFixed(0)} ms, p99 ${slowest.toFixed(0)} ms`,
    budget: "≤ 1 s",
    gated: false,
    met: slowest <= 1000,
  },
]);
