/**
 * The daemon with 1000 nodes and 100 000 pods in the cluster: its memory, and how long a message takes to become
 * a cordon when 1, 100 and 1000 come at once. Real etcd and kube-apiserver, in which every object is created through
 * the API; the pods have no kubelet. SQS and Auto Scaling are the emulators of the tests, in this process.
 */
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startFakeAws } from "@internal/test/aws/fake";
import { directNotification } from "@internal/test/aws/notifications";
import { startQueue } from "@internal/test/aws/queue";
import { type OwnCluster, startCluster } from "@internal/test/cluster";
import { makeFolder } from "@internal/test/folder";
import { printClaims } from "./report.ts";

const bursts = [1, 100, 1000];
const budgetSeconds = [1, 10, 60];
const nodeCount = bursts.reduce((sum, count) => sum + count, 0);
const podCount = 100_000;
const names = Array.from({ length: nodeCount }, (_, index) => `node-${index}`);
const idOf = (node: string) => `i-${node}`;

/** Does something for every item, so many at once. */
async function each<T>(items: Iterable<T>, atOnce: number, act: (item: T) => Promise<unknown>) {
  const rest = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) await act(next.value);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function fill(cluster: OwnCluster): Promise<void> {
  await each(names, 32, (name) =>
    cluster.request("POST", "/api/v1/nodes", {
      metadata: { name, labels: { "kubernetes.io/hostname": name } },
      spec: { providerID: `aws:///eu-west-1a/${idOf(name)}` },
    }),
  );
  const containers = [
    { name: "main", image: "example.org/none", env: [{ name: "STAGE", value: "production" }] },
  ];
  await each(Array(podCount).keys(), 64, (index) =>
    cluster.request("POST", "/api/v1/namespaces/default/pods", {
      metadata: { name: `pod-${index}`, labels: { app: `app-${index % 1000}` } },
      spec: { nodeName: names[index % nodeCount], containers, automountServiceAccountToken: false },
    }),
  );
}

/** When each node was cordoned, by its name, in milliseconds. */
function watchCordons(cluster: OwnCluster, signal: AbortSignal) {
  const cordoned = new Map<string, number>();
  const waiting = new Set<() => void>();
  const follow = async () => {
    const path = "/api/v1/nodes?watch=1";
    for await (const { object } of cluster.watch<NodeObject & never>(path, signal)) {
      const { metadata, spec } = object as NodeObject;
      if (!spec.unschedulable || cordoned.has(metadata.name)) continue;
      cordoned.set(metadata.name, Date.now());
      for (const look of waiting) look();
    }
  };
  follow().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return (nodes: readonly string[]) =>
    new Promise<number[]>((resolve) => {
      const look = () => {
        if (!nodes.every((node) => cordoned.has(node))) return;
        waiting.delete(look);
        resolve(nodes.map((node) => cordoned.get(node) ?? Number.NaN));
      };
      waiting.add(look);
      look();
    });
}

interface NodeObject {
  metadata: { name: string };
  spec: { unschedulable?: boolean };
}

function megabytesOf(pid: number, figure: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(status.match(new RegExp(`${figure}:\\s+(\\d+)`))?.[1]) / 1024;
}

const root = fileURLToPath(new URL("../packages/node-rollout/", import.meta.url));
execFileSync("npm", ["run", "--silent", "build"], {
  cwd: root,
  stdio: ["ignore", "ignore", "inherit"],
});
// A log that each of a hundred thousand creations waits for takes its time, and nobody reads it here.
await using cluster = await startCluster({ apiserverFlags: ["--audit-log-mode=batch"] });
const filling = performance.now();
await fill(cluster);
const filledIn = (performance.now() - filling) / 1000;

const aws = await startFakeAws();
await using queue = await startQueue();
const group = "workers";
aws.addGroup({ name: group, hooks: [{ name: "drain" }], instances: names.map(idOf) });

using folder = makeFolder({ "node-rollout.yaml": `queueUrl: ${queue.url}\ngroups: [${group}]\n` });
const daemon = spawn(
  process.execPath,
  [`${root}dist/cli.js`, "run", "--config", `${folder.path}/node-rollout.yaml`, "--listen", ":0"],
  {
    env: {
      ...process.env,
      ...aws.env,
      ...queue.env,
      KUBECONFIG: cluster.kubeconfigFile,
    },
    stdio: ["ignore", "ignore", "pipe"],
  },
);
const pid = daemon.pid ?? 0;
const watching = new AbortController();
try {
  const url = await new Promise<string>((resolve) => {
    let text = "";
    daemon.stderr.setEncoding("utf8").on("data", (part: string) => {
      text = (text + part).slice(-10_000);
      const [, found] = text.match(/"url":"http:\/\/[^"]*:(\d+)"/) ?? [];
      if (found !== undefined) resolve(`http://127.0.0.1:${found}`);
    });
  });
  while (!(await fetch(`${url}/readyz`)).ok) await new Promise((done) => setTimeout(done, 200));
  const idle = megabytesOf(pid, "VmRSS");
  const cordons = watchCordons(cluster, watching.signal);
  const slowest: number[] = [];
  const resident: number[] = [];
  let first = 0;
  for (const count of bursts) {
    const nodes = names.slice(first, first + count);
    first += count;
    const sentAt = new Map<string, number>();
    await each(nodes, 16, async (node) => {
      const [action] = aws.begin(group, idOf(node));
      if (action === undefined) throw new Error(`${node} has no hook`);
      await queue.send(directNotification(action));
      sentAt.set(node, Date.now());
    });
    const seen = await cordons(nodes);
    const taken = nodes.map((node, index) => (seen[index] ?? Number.NaN) - (sentAt.get(node) ?? 0));
    slowest.push(Math.max(...taken) / 1000);
    resident.push(megabytesOf(pid, "VmHWM"));
  }
  printClaims(
    `node-rollout run, ${nodeCount} nodes and ${podCount} pods in the cluster (created in ${filledIn.toFixed(0)} s)`,
    [
      ...bursts.map((count, index) => ({
        claim: `message → cordon, ${count} at once, the slowest`,
        ours: `${slowest[index]?.toFixed(2)} s`,
        budget: `≤ ${budgetSeconds[index]} s`,
        gated: false,
        met: (slowest[index] ?? Number.NaN) <= (budgetSeconds[index] ?? 0),
      })),
      {
        claim: "resident memory, every node known, up to 101 in hand",
        ours: `${idle.toFixed(0)} MB idle; most so far with 1, 101 and ${nodeCount} nodes in hand: ${resident.map((size) => size.toFixed(0)).join(", ")} MB`,
        budget: "≤ 256 MB",
        gated: false,
        met: Math.max(idle, ...resident.slice(0, 2)) <= 256,
      },
    ],
  );
} finally {
  watching.abort();
  daemon.kill("SIGKILL");
  await aws.close();
}
