/** Pods of a real cluster, and candidates that run in them: kube-leader and its peers. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { OwnCluster, TestNamespace } from "@internal/test/cluster";

const bin = fileURLToPath(new URL("../packages/kube-leader/dist/cli.js", import.meta.url));

/** How each candidate is asked to become a command when it leads. */
export type Elector = (lock: string, command: string[]) => string[];
export const kubeLeader: Elector = (lock, command) => [
  process.execPath,
  bin,
  "--name",
  lock,
  "--",
  ...command,
];

/**
 * Go's clients look for the token where the kubelet mounts it and nowhere else: there, in a mount namespace of their
 * own, each finds its pod's.
 */
export function mounted(program: string): Elector {
  const asRoot = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const script = `mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/kubernetes.io &&
ln -s "$KUBE_LEADER_SERVICE_ACCOUNT_DIR" /run/secrets/kubernetes.io/serviceaccount && exec "$@"`;
  const inside = ["unshare", ...asRoot, "--mount", "sh", "-c", script, "sh"];
  return (lock, command) => [...inside, program, lock, ...command];
}

/** A process that was asked to lead. */
export interface Candidate {
  child: ChildProcess;
  /** Resolves with the instant at which its command ran, by `performance.now()`. */
  led: Promise<number>;
  /** Resolves when it has said on stderr that it waits. */
  waits: Promise<void>;
  end(): Promise<void>;
}

export interface BenchPod {
  start(elector: Elector, lock: string): Candidate;
  /** Deletes the pod without grace; gives the instant at which it was gone. */
  remove(): Promise<number>;
}

/** What kube-leader needs, and its peers: one account for all, so that each finds its rights. */
export const rights = {
  rules: [
    { apiGroups: [""], resources: ["configmaps"], verbs: ["create"] },
    {
      apiGroups: [""],
      resources: ["configmaps"],
      verbs: ["get", "list", "watch", "delete"],
    },
    { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch", "delete"] },
    {
      apiGroups: ["coordination.k8s.io"],
      resources: ["leases"],
      verbs: ["get", "create", "update"],
    },
  ],
  clusterRules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get"] }],
};

const stay = ["sh", "-c", "echo led; exec sleep 600"];
const running = new Set<ChildProcess>();

export async function makePod(
  cluster: OwnCluster,
  namespace: TestNamespace,
  { name, account }: { name: string; account: string },
): Promise<BenchPod> {
  const spec = { serviceAccountName: account, terminationGracePeriodSeconds: 0 };
  const pod = await namespace.createPod(name, { spec, ready: true });
  const folder = await namespace.podBoundTokenFolder(pod);
  const { hostname, port } = new URL(cluster.url);
  const env = {
    PATH: process.env["PATH"],
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
    KUBE_LEADER_SERVICE_ACCOUNT_DIR: folder,
    POD_NAME: name,
    POD_NAMESPACE: namespace.name,
  };
  return {
    start: (elector, lock) => startCandidate(elector(lock, stay), env),
    remove: async () => {
      await cluster.request("DELETE", namespace.path(`pods/${name}`));
      return performance.now();
    },
  };
}

function startCandidate([program = "", ...args]: string[], env: NodeJS.ProcessEnv): Candidate {
  // A process group of its own: a peer that runs its command as a child leaves it behind when it is killed.
  const child = spawn(program, args, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const ended = once(child, "exit").then(() => void running.delete(child));
  child.stderr.setEncoding("utf8");
  const waits = new Promise<void>((resolve) => {
    child.stderr.on("data", (text) => text.includes("waiting for") && resolve());
  });
  const led = once(child.stdout, "data").then(() => performance.now());
  const end = async () => {
    killGroup(child);
    await ended;
  };
  return { child, led, waits, end };
}

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, "SIGKILL");
}

/** Ends whatever still runs. */
export async function endAll(): Promise<void> {
  const all = [...running];
  for (const child of all) killGroup(child);
  await Promise.all(all.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
}

/** A process's memory in MB: all of it, and what is not a file's and so its own alone. */
export function memoryOf(child: ChildProcess): { rss: number; own: number } {
  const status = readFileSync(`/proc/${child.pid}/status`, "latin1");
  const field = (name: string) => Number(status.match(`${name}:\\s+(\\d+) kB`)?.[1]) / 1024;
  return { rss: field("VmRSS"), own: field("RssAnon") };
}

/** `p` from 0 to 1: the smallest sample that so many do not exceed. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;
}
