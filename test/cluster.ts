/**
 * A real Kubernetes API for tests: etcd, kube-apiserver with RBAC and an audit log, and
 * kube-controller-manager, on loopback. There is no kubelet: pods become Ready and end when a test says so,
 * or a fake kubelet does it.
 *
 * Test files named `*.cluster.test.ts` share one cluster, started once for the suite. Each makes itself a
 * namespace, in which it is alone:
 *
 *     const cluster = useCluster();
 *     const namespace = await cluster.namespace("leader"); // leader-x7k2p
 *
 *     const account = await namespace.serviceAccount("waiter", {
 *       rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "create"] }],
 *     });
 *     const pod = await namespace.createPod("a", { spec: { serviceAccountName: "waiter" } });
 *     const folder = await namespace.podBoundTokenFolder(pod); // token, ca.crt, namespace
 *     const log = await cluster.auditLog();
 *     …
 *     expect(await log.count({ user: account.user, verb: "create" })).toBe(1);
 *
 * A test that freezes, stops or compacts parts of a cluster starts one of its own, in about 5 seconds:
 *
 *     await using cluster = await startCluster();
 *     cluster.controllerManager.pause();
 *
 * Whatever ends the tests, failure, Ctrl-C or SIGKILL, the cluster's processes and its folder go with them.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { type AuditLog, openAuditLog } from "./audit-log.ts";
import {
  type Client,
  type Credentials,
  createClient,
  type KubernetesObject,
} from "./cluster/client.ts";
import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from "./cluster/control-plane.ts";
import { compactEtcd } from "./cluster/etcd.ts";
import { kubeconfig } from "./cluster/kubeconfig.ts";
import { makeNamespace, type TestNamespace } from "./cluster/namespace.ts";
import { pathOf } from "./cluster/paths.ts";
import { makeSite } from "./cluster/site.ts";
import { startGuard } from "./guard.ts";

export type { AuditEntry, AuditFilter, AuditLog } from "./audit-log.ts";
export { ApiError, type Client, type KubernetesObject, type WatchEvent } from "./cluster/client.ts";
export type { ControlPlane, ControlPlaneOptions } from "./cluster/control-plane.ts";
export type { Pod, ServiceAccount, TestNamespace } from "./cluster/namespace.ts";
export type { Program } from "./cluster/program.ts";

/** A running cluster, and a client of it with all permissions. */
export interface Cluster extends Client, Credentials {
  /** The administrator's. */
  kubeconfigFile: string;
  /** A folder for files that shall go with the cluster. */
  folder: string;
  /** Makes a namespace of its own for a test file, `PREFIX-xxxxx`. */
  namespace(prefix?: string): Promise<TestNamespace>;
  /** Creates any object from what `kubectl apply` would take, where its kind and namespace say. */
  create<T = KubernetesObject>(object: Manifest): Promise<T>;
  /** What the API server is asked from now on. */
  auditLog(): Promise<AuditLog>;
  /** Writes a kubeconfig for an identity; gives its path. */
  kubeconfigFor(identity: { token: string; namespace?: string }): string;
}

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name?: string; namespace?: string; [field: string]: unknown };
  [field: string]: unknown;
}

/** A cluster whose processes the test may handle. */
export interface OwnCluster extends Cluster, ControlPlane, AsyncDisposable {
  /** What another process needs for `connectCluster`. */
  connection: ClusterConnection;
  /** Forgets etcd's history up to now. Watches from before answer 410 unless the watch cache has them. */
  compact(): Promise<void>;
}

/** Where a cluster is, as plain data. */
export interface ClusterConnection extends Credentials {
  folder: string;
  kubeconfigFile: string;
  auditLogFile: string;
}

declare module "vitest" {
  interface ProvidedContext {
    cluster: ClusterConnection | undefined;
  }
}

/** The cluster that the suite's test files share. */
export function useCluster(): Cluster {
  const connection = inject("cluster");
  if (connection === undefined) {
    throw new Error(
      "no cluster here: name the file *.cluster.test.ts and use npm run test:cluster",
    );
  }
  return connectCluster(connection);
}

/** A client of a cluster that runs already. */
export function connectCluster(connection: ClusterConnection): Cluster {
  const { url, ca, folder } = connection;
  const client = createClient(connection);
  let files = 0;
  const cluster: Cluster = {
    ...connection,
    ...client,
    namespace: (prefix = "test") => makeNamespace(cluster, prefix),
    create: (object) => client.request("POST", pathOf(object), object),
    auditLog: () => openAuditLog(connection.auditLogFile, (path) => client.request("GET", path)),
    kubeconfigFor: ({ token, namespace }) => {
      const file = join(folder, `${process.pid}-${files++}.kubeconfig`);
      writeFileSync(file, kubeconfig({ url, ca, token }, namespace));
      return file;
    },
  };
  return cluster;
}

/**
 * Starts a cluster and waits until it serves.
 * @throws MissingComponentError when a component cannot be had; Error with a component's last words when it ends.
 */
export async function startCluster(options: ControlPlaneOptions = {}): Promise<OwnCluster> {
  const folder = mkdtempSync(join(tmpdir(), "platform-packages-cluster-"));
  const guard = startGuard(folder);
  try {
    const site = await makeSite(folder);
    const plane = await startControlPlane(site, options, (programs) =>
      guard.watch(programs.flatMap(({ pid }) => pid ?? [])),
    );
    const connection: ClusterConnection = {
      ...site.credentials(),
      folder,
      kubeconfigFile: site.kubeconfigOf("admin"),
      auditLogFile: site.files.audit,
    };
    const cluster = connectCluster(connection);
    return {
      ...cluster,
      ...plane,
      connection,
      compact: () => compactEtcd(site.etcdUrl),
      [Symbol.asyncDispose]: async () => {
        cluster.close();
        await guard.close();
      },
    };
  } catch (error) {
    await guard.close();
    throw error;
  }
}
