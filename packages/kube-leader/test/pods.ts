import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type CliResult, type RunningCli, runCli, startCli } from "@internal/test/cli";
import { ApiError, type Cluster, type TestNamespace } from "@internal/test/cluster";
import type { FaultProxy } from "@internal/test/fault-proxy";
import { makeFolder } from "@internal/test/folder";
import { renderRbac } from "../src/index.ts";

/** A lock on the real API server, the pods that want it, and a timeline that their commands write themselves. */
export interface TestElection extends AsyncDisposable {
  lock: string;
  pod(name: string, options?: { nodeName?: string }): Promise<TestPod>;
  /** The lock's ConfigMap. */
  read(): Promise<ConfigMap | undefined>;
  path: string;
  /** What the commands wrote: `begin POD`, and when its process was surely gone `end POD`. */
  timeline(): string[];
  note(line: string): void;
}

export interface TestPod {
  name: string;
  uid: string;
  /** The folder of its token. */
  folder: string;
  env: Record<string, string>;
  /** Starts kube-leader in it, through the proxy if there is one; the command stays until it is killed. */
  lead(options?: { through?: FaultProxy; options?: string[] }): RunningCli;
  /** Runs `kube-leader status` in it. */
  status(): Promise<CliResult>;
  /** Kills its processes with SIGKILL, as when a container ends. */
  stop(): Promise<void>;
  /** Deletes its object at once, after its processes unless `force`. */
  remove(options?: { force?: boolean }): Promise<void>;
  patch(change: object): Promise<unknown>;
  setStatus(status: object): Promise<unknown>;
  /** Puts another token in the place of the mounted one, as the kubelet does. */
  renewToken(token: string): void;
}

interface ConfigMap {
  metadata: {
    uid: string;
    resourceVersion: string;
    deletionTimestamp?: string;
    ownerReferences?: { name: string }[];
  };
}

/**
 * Prepares a lock in the namespace, with the role that `render rbac` gives.
 *
 * @param options.account one that exists and has the rights already
 */
export async function startElection(
  cluster: Cluster,
  namespace: TestNamespace,
  { lock, minimal = false, account }: { lock: string; minimal?: boolean; account?: string },
): Promise<TestElection> {
  if (account === undefined)
    await namespace.serviceAccount(lock, { rules: roleFor(lock, minimal) });
  const folder = makeFolder({ timeline: "" });
  const file = join(folder.path, "timeline");
  const note = (line: string) => appendFileSync(file, `${line}\n`);
  const pods: TestPod[] = [];
  const path = `${namespace.path("configmaps")}/${lock}`;
  return {
    lock,
    path,
    note,
    timeline: () => readFileSync(file, "utf8").split("\n").filter(Boolean),
    read: () => cluster.request<ConfigMap>("GET", path).catch(ifMissing),
    pod: async (name, options = {}) => {
      const spec = { serviceAccountName: account ?? lock, ...options };
      const pod = await makePod(cluster, namespace, { name, lock, spec, file, note });
      pods.push(pod);
      return pod;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(pods.map((pod) => pod.stop()));
      folder[Symbol.dispose]();
    },
  };
}

async function makePod(
  cluster: Cluster,
  namespace: TestNamespace,
  given: {
    name: string;
    lock: string;
    spec: { serviceAccountName: string; nodeName?: string };
    file: string;
    note: (line: string) => void;
  },
): Promise<TestPod> {
  const { name, lock, file, note } = given;
  // Without a kubelet a pod with grace would stay for ever.
  const spec = { ...given.spec, terminationGracePeriodSeconds: 0 };
  const pod = await namespace.createPod(name, { spec, ready: true });
  const folder = await namespace.podBoundTokenFolder(pod);
  const path = `${namespace.path("pods")}/${name}`;
  const env = { ...addressOf(cluster.url), KUBE_LEADER_SERVICE_ACCOUNT_DIR: folder };
  // One write a line, so that lines of several processes do not mix.
  const command = `echo "begin $KUBE_LEADER_POD" >> ${file}; echo "leads as $KUBE_LEADER_POD"; exec sleep 600`;
  const running = new Set<RunningCli>();

  async function stop(): Promise<void> {
    const all = [...running];
    for (const cli of all) cli.kill("SIGKILL");
    await Promise.all(all.map(({ ended }) => ended));
    if (all.length > 0) note(`end ${name}`);
    running.clear();
  }
  return {
    name,
    uid: pod.metadata.uid,
    folder,
    env,
    stop,
    lead: ({ through, options = [] } = {}) => {
      writeFileSync(join(folder, "ca.crt"), through?.ca ?? cluster.ca);
      const address = through === undefined ? {} : addressOf(through.url);
      const args = ["--name", lock, ...options, "--", "sh", "-c", command];
      const cli = startCli("kube-leader", args, { env: { ...env, ...address } });
      running.add(cli);
      return cli;
    },
    status: () => {
      writeFileSync(join(folder, "ca.crt"), cluster.ca);
      return runCli("kube-leader", ["status", "--name", lock], { env });
    },
    remove: async ({ force = false } = {}) => {
      if (!force) await stop();
      await cluster.request("DELETE", path, { gracePeriodSeconds: 0 });
    },
    patch: (change) => cluster.request("PATCH", path, change),
    setStatus: (status) => cluster.request("PATCH", `${path}/status`, { status }),
    renewToken: (token) => renewToken(folder, token),
  };
}

/** The rules of the role that `render rbac` gives. */
export function roleFor(lock: string, minimal = false): Rule[] {
  const objects = renderRbac({ name: lock, minimal }) as { kind: string; rules?: Rule[] }[];
  return objects.find(({ kind }) => kind === "Role")?.rules ?? [];
}

export interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

/** Lines of a timeline at which another pod leads already. */
export function overlaps(timeline: readonly string[]): string[] {
  const leading = new Set<string>();
  const found: string[] = [];
  for (const line of timeline) {
    const [what, pod = ""] = line.split(" ");
    if (what === "end") leading.delete(pod);
    else {
      const others = [...leading].filter((other) => other !== pod);
      if (others.length > 0) found.push(`${pod} begins while ${others} leads`);
      leading.add(pod);
    }
  }
  return found;
}

function addressOf(url: string) {
  const { hostname, port } = new URL(url);
  return { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
}

/** The volume's files are links through `..data`, which is turned to a folder with the new ones. */
function renewToken(folder: string, token: string): void {
  const version = `..version-${randomBytes(4).toString("hex")}`;
  mkdirSync(join(folder, version));
  for (const name of ["ca.crt", "namespace"]) {
    writeFileSync(join(folder, version, name), readFileSync(join(folder, name)));
  }
  writeFileSync(join(folder, version, "token"), token);
  symlinkSync(version, join(folder, "..data_tmp"));
  renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
}

function ifMissing(error: unknown): undefined {
  if (error instanceof ApiError && error.status === 404) return undefined;
  throw error;
}
