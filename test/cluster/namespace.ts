import { ApiError, type Cluster, type KubernetesObject } from "../cluster.ts";
import { type FakeKubelet, type FakeKubeletOptions, startFakeKubelet } from "../fake-kubelet.ts";
import { collectionPath } from "./paths.ts";
import { grant, type Permissions } from "./permissions.ts";
import { writeTokenFolder } from "./token-folder.ts";

/** As much of a pod as tests ask of it. */
export interface Pod extends KubernetesObject {
  spec: { nodeName?: string; serviceAccountName?: string; terminationGracePeriodSeconds?: number };
  status: { phase?: string; conditions?: { type: string; status: string }[] };
}

export interface PodOptions {
  metadata?: Record<string, unknown>;
  /** Over a spec of one container. */
  spec?: Record<string, unknown>;
  /** Marks it Running and Ready at once. @default false */
  ready?: boolean;
}

export interface NodeOptions {
  metadata?: Record<string, unknown>;
  spec?: Record<string, unknown>;
  /** Reports the condition Ready, so that the not-ready taint goes. @default true */
  ready?: boolean;
}

export interface ServiceAccount {
  name: string;
  /** As the audit log has it: `system:serviceaccount:NAMESPACE:NAME`. */
  user: string;
  /** Valid for an hour, bound to no pod. */
  token: string;
  kubeconfigFile: string;
}

/** A namespace that belongs to one test file, and the nodes and cluster roles made through it. */
export interface TestNamespace extends AsyncDisposable {
  name: string;
  /** The path of a collection in it, or of what is below: `path("pods/a/eviction")`, `path("leases", "coordination.k8s.io/v1")`. */
  path(resource: string, apiVersion?: string): string;
  createPod(name: string, options?: PodOptions): Promise<Pod>;
  /** Nodes belong to the whole cluster, so this one is called `NAMESPACE-NAME`. */
  createNode(name: string, options?: NodeOptions): Promise<KubernetesObject>;
  /** Makes a service account that may do exactly this, and waits until the API server lets it. */
  serviceAccount(name: string, permissions?: Permissions): Promise<ServiceAccount>;
  /** A token of a service account that exists, for an hour; bound to the pod when one is given. */
  token(serviceAccount: string, pod?: Pod): Promise<string>;
  /** A folder as the kubelet mounts it into this pod, with a token bound to the pod. */
  podBoundTokenFolder(pod: Pod): Promise<string>;
  /** Makes this namespace's pods Ready, and ends those that are deleted. */
  startFakeKubelet(options?: Omit<FakeKubeletOptions, "namespace">): FakeKubelet;
}

/** Makes a namespace; at its disposal it goes, and what was made through it in the whole cluster. */
export async function makeNamespace(cluster: Cluster, prefix: string): Promise<TestNamespace> {
  const { metadata } = await cluster.request("POST", "/api/v1/namespaces", {
    metadata: { generateName: `${prefix}-` },
  });
  const name = metadata.name;
  const path = (resource: string, apiVersion = "v1") => collectionPath(apiVersion, resource, name);
  const cleanups: (() => Promise<unknown>)[] = [];

  const token = async (account: string, pod?: Pod) => {
    const bound = pod && {
      kind: "Pod",
      apiVersion: "v1",
      name: pod.metadata.name,
      uid: pod.metadata.uid,
    };
    const { status } = await cluster.request<{ status: { token: string } }>(
      "POST",
      path(`serviceaccounts/${account}/token`),
      { spec: { expirationSeconds: 3600, boundObjectRef: bound } },
    );
    return status.token;
  };

  return {
    name,
    path,
    token,
    createPod: async (podName, { metadata, spec, ready = false } = {}) => {
      const containers = [{ name: "main", image: "example.org/none" }];
      const pod = { metadata: { ...metadata, name: podName }, spec: { containers, ...spec } };
      const created = await cluster.request<Pod>("POST", path("pods"), pod);
      if (!ready) return created;
      return await cluster.request<Pod>("PATCH", path(`pods/${podName}/status`), {
        status: running,
      });
    },
    createNode: async (nodeName, { metadata, spec, ready = true } = {}) => {
      const node = { metadata: { ...metadata, name: `${name}-${nodeName}` }, spec };
      const nodePath = `/api/v1/nodes/${node.metadata.name}`;
      const created = await cluster.request("POST", "/api/v1/nodes", node);
      cleanups.push(() => cluster.request("DELETE", nodePath).catch(ignoreNotFound));
      if (!ready) return created;
      const conditions = [{ type: "Ready", status: "True", reason: "KubeletReady" }];
      return await cluster.request("PATCH", `${nodePath}/status`, { status: { conditions } });
    },
    serviceAccount: async (account, permissions = {}) => {
      await cluster.request("POST", path("serviceaccounts"), { metadata: { name: account } });
      const user = `system:serviceaccount:${name}:${account}`;
      cleanups.push(await grant(cluster, { name: account, namespace: name, user }, permissions));
      const itsToken = await token(account);
      const kubeconfigFile = cluster.kubeconfigFor({ token: itsToken, namespace: name });
      return { name: account, user, token: itsToken, kubeconfigFile };
    },
    podBoundTokenFolder: async (pod) =>
      writeTokenFolder(cluster.folder, {
        token: await token(pod.spec.serviceAccountName ?? "default", pod),
        "ca.crt": cluster.ca,
        namespace: name,
      }),
    startFakeKubelet: (options) => {
      const kubelet = startFakeKubelet(cluster, { ...options, namespace: name });
      cleanups.push(kubelet.stop);
      return kubelet;
    },
    [Symbol.asyncDispose]: async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
      // Without a kubelet, a pod with a grace would keep its namespace for ever.
      await cluster.request("DELETE", path("pods"), { gracePeriodSeconds: 0 });
      await cluster.request("DELETE", `/api/v1/namespaces/${name}`);
    },
  };
}

const running = {
  phase: "Running",
  conditions: [
    { type: "Ready", status: "True" },
    { type: "ContainersReady", status: "True" },
  ],
};

/** A test may have deleted it itself. */
function ignoreNotFound(error: unknown): void {
  if (!(error instanceof ApiError) || error.status !== 404) throw error;
}
