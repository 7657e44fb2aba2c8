import { follow } from "../kubernetes/follow.ts";
import type { Kubernetes } from "../kubernetes/kubernetes.ts";
import type { Metadata, Node, Taint, Toleration } from "../kubernetes/objects.ts";
import { listPages } from "../kubernetes/pages.ts";

/** A pod as `evaluateReadiness` takes it. */
export interface DaemonPod {
  metadata: Metadata & { ownerReferences: object[] };
  spec: { nodeName?: string };
  status: { conditions: object[] };
}

/** The pods on one node, kept current. */
export interface PodsOnNode {
  /** Undefined until they are known. */
  current(): DaemonPod[] | undefined;
  stop(): void;
}

/** Follows a node's pods until it is stopped or the signal aborts; `changed` hears of every change. */
export function followDaemonPods(
  kubernetes: Kubernetes,
  node: string,
  options: { signal: AbortSignal; changed(): void; failed(error: unknown): void },
): PodsOnNode {
  const { changed, failed } = options;
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  const pods = new Map<string, DaemonPod>();
  let known = false;
  const query = { fieldSelector: `spec.nodeName=${node}` };
  void follow(kubernetes, { path: "/api/v1/pods", query, signal }, toDaemonPod, {
    listed(items) {
      pods.clear();
      for (const pod of items) pods.set(pod.metadata.uid, pod);
      known = true;
      changed();
    },
    changed(type, pod) {
      if (type === "set") pods.set(pod.metadata.uid, pod);
      else pods.delete(pod.metadata.uid);
      changed();
    },
    failed,
  });
  return {
    current: () => (known ? [...pods.values()] : undefined),
    stop: () => stopping.abort(),
  };
}

/** Lists a node's pods once. */
export async function listPodsOn(
  kubernetes: Kubernetes,
  node: string,
  signal: AbortSignal,
): Promise<DaemonPod[]> {
  const query = { fieldSelector: `spec.nodeName=${node}` };
  return (await listPages(kubernetes, { path: "/api/v1/pods", query, signal }, toDaemonPod)).items;
}

function toDaemonPod(object: object): DaemonPod {
  const { metadata, spec, status } = object as Partial<DaemonPod>;
  return {
    metadata: { ...(metadata as DaemonPod["metadata"]) },
    spec: spec?.nodeName === undefined ? {} : { nodeName: spec.nodeName },
    status: { conditions: status?.conditions ?? [] },
  };
}

/** A pod that the scheduler finds no node for. */
export interface UnplaceablePod {
  namespace: string;
  name: string;
  /** Milliseconds. */
  createdAt: number;
  nodeSelector: Record<string, string>;
  tolerations: Toleration[];
}

interface PendingPod {
  metadata: {
    namespace: string;
    name: string;
    creationTimestamp: string;
    deletionTimestamp?: string;
  };
  spec: { nodeSelector?: Record<string, string>; tolerations?: Toleration[] };
  status?: { conditions?: { type: string; status: string; reason?: string }[] };
}

/** Lists the pods that the scheduler has tried to place in vain. */
export async function listUnplaceable(
  kubernetes: Kubernetes,
  signal: AbortSignal,
): Promise<UnplaceablePod[]> {
  const query = { fieldSelector: "spec.nodeName=,status.phase=Pending" };
  const { items } = await listPages(
    kubernetes,
    { path: "/api/v1/pods", query, signal },
    toUnplaceable,
  );
  return items.filter((pod) => pod !== undefined);
}

function toUnplaceable(object: object): UnplaceablePod | undefined {
  const { metadata, spec, status } = object as PendingPod;
  const scheduled = status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status !== "False" || scheduled.reason !== "Unschedulable") return undefined;
  if (metadata.deletionTimestamp !== undefined) return undefined;
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    createdAt: Date.parse(metadata.creationTimestamp),
    nodeSelector: spec.nodeSelector ?? {},
    tolerations: spec.tolerations ?? [],
  };
}

/**
 * Whether a node's startup taint could be all that keeps a pod from it: the pod would be placed there but for the
 * taint, as far as labels and taints tell. Whether it also fits is the scheduler's to say.
 */
export function isKeptOffBy(taintKey: string, pod: UnplaceablePod, node: Node): boolean {
  const { labels } = node.metadata;
  const own = node.spec.taints.filter(({ key }) => key === taintKey);
  const others = node.spec.taints.filter(({ key }) => key !== taintKey);
  return (
    !node.spec.unschedulable &&
    own.some((taint) => !tolerates(pod.tolerations, taint)) &&
    others.every((taint) => tolerates(pod.tolerations, taint)) &&
    Object.entries(pod.nodeSelector).every(([key, value]) => labels[key] === value)
  );
}

/** As the scheduler decides it; `PreferNoSchedule` keeps nothing off. */
function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  if (taint.effect === "PreferNoSchedule") return true;
  return tolerations.some(({ key = "", operator = "Equal", value = "", effect = "" }) => {
    const sameKey = key === "" ? operator === "Exists" : key === taint.key;
    const sameValue = operator === "Exists" || value === (taint.value ?? "");
    return sameKey && sameValue && (effect === "" || effect === taint.effect);
  });
}
