import type { V1OwnerReference } from "@kubernetes/client-node";
import { isApiError, type Kubernetes, segment } from "../kubernetes/kubernetes.ts";
import { listPages } from "../kubernetes/pages.ts";
import type { AuditInput } from "./manifests.ts";

const workloadPaths: Record<string, string> = {
  Deployment: "/apis/apps/v1/deployments",
  StatefulSet: "/apis/apps/v1/statefulsets",
  ReplicaSet: "/apis/apps/v1/replicasets",
  DaemonSet: "/apis/apps/v1/daemonsets",
  ReplicationController: "/api/v1/replicationcontrollers",
};
/** Controllers that are listed above, or have no replicas. */
const builtIn = /^(apps|batch)\/|^v1$/;

interface Reduced {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name?: string;
    namespace?: string;
    uid?: string;
    labels?: Record<string, string>;
    ownerReferences?: V1OwnerReference[];
    deletionTimestamp?: string;
  };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

/** Reads what an audit needs from a live cluster, in pages, each object reduced to that. */
export async function readCluster(
  kubernetes: Kubernetes,
  signal?: AbortSignal,
): Promise<AuditInput> {
  const list = async (path: string, kind: string) =>
    (await listPages(kubernetes, { path, signal }, (object) => reduce(object, kind))).items;
  const [pods, budgets, ...lists] = await Promise.all([
    list("/api/v1/pods", "Pod"),
    list("/apis/policy/v1/poddisruptionbudgets", "PodDisruptionBudget"),
    ...Object.entries(workloadPaths).map(([kind, path]) => list(path, kind)),
  ]);
  const listed = lists.flat();
  const owners = customOwners([...pods, ...listed.filter(({ kind }) => kind === "ReplicaSet")]);
  const custom: Reduced[] = [];
  for (const owner of owners) custom.push(await readScale(kubernetes, owner, signal));
  return {
    workloads: [...listed, ...custom],
    budgets,
    pods,
    placeOf: () => undefined,
    problems: [],
  };
}

function reduce(object: object, kind: string): Reduced {
  const { metadata, spec = {}, status = {} } = object as Reduced;
  const { name, namespace, uid, labels, ownerReferences, deletionTimestamp } = metadata;
  const template = spec["template"] as { metadata?: { labels?: object } } | undefined;
  const kept = {
    name,
    namespace,
    uid,
    labels,
    ownerReferences,
    deletionTimestamp,
  };
  const present = Object.entries(kept).filter(([, value]) => value !== undefined);
  return {
    kind,
    metadata: Object.fromEntries(present),
    spec:
      template === undefined
        ? kind === "Pod"
          ? { nodeName: spec["nodeName"] }
          : spec
        : {
            replicas: spec["replicas"],
            selector: spec["selector"],
            template: { metadata: { labels: template.metadata?.labels } },
          },
    status: kind === "Pod" ? { phase: status["phase"], conditions: status["conditions"] } : {},
  };
}

interface Owner extends V1OwnerReference {
  namespace: string;
}

function customOwners(objects: readonly Reduced[]): Owner[] {
  const owners = new Map<string, Owner>();
  for (const { metadata } of objects) {
    const owner = metadata.ownerReferences?.find(({ controller }) => controller);
    if (owner === undefined || builtIn.test(owner.apiVersion)) continue;
    owners.set(owner.uid, { ...owner, namespace: metadata.namespace ?? "default" });
  }
  return [...owners.values()];
}

/** A custom controller's replicas, from its scale subresource, as the disruption controller reads them. */
async function readScale(
  kubernetes: Kubernetes,
  { apiVersion, kind, name, namespace, uid }: Owner,
  signal?: AbortSignal,
): Promise<Reduced> {
  const object = { apiVersion, kind, metadata: { name, namespace, uid } };
  const group = `/apis/${apiVersion}`;
  try {
    const { resources } = await kubernetes.request<{ resources: { name: string; kind: string }[] }>(
      {
        path: group,
        signal,
      },
    );
    const plural = resources.find((each) => each.kind === kind && !each.name.includes("/"))?.name;
    if (plural === undefined) return object;
    const path = `${group}/namespaces/${segment(namespace)}/${plural}/${segment(name)}/scale`;
    const { spec } = await kubernetes.request<{ spec: Record<string, unknown> }>({ path, signal });
    return { ...object, spec: { replicas: spec["replicas"] } };
  } catch (error) {
    // No such resource, or none with a scale: then it has no replicas to the disruption controller, either.
    if (isApiError(error, 404)) return object;
    throw error;
  }
}
