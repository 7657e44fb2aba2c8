/** The parts of Kubernetes objects that decisions are made from. Everything else is dropped when an object arrives. */
export interface Metadata {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  controller?: { kind: string; name: string };
  creationTimestamp?: string;
  /** When a terminating object's grace ends. */
  deletionTimestamp?: string;
}

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastHeartbeatTime?: string;
  lastTransitionTime?: string;
}

export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
}

export interface Pod {
  metadata: Metadata;
  nodeName?: string;
  phase: string;
  ready: boolean;
  terminationGracePeriodSeconds: number;
  priorityClassName?: string;
  priority: number;
  /** Those that a cordoned node's taint may be about. */
  tolerations: Toleration[];
  /** Names of the volumes whose data goes with the pod. */
  emptyDirs: string[];
}

export interface Budget {
  metadata: Metadata;
  /** As given; null selects nothing, `{}` every pod of the namespace. */
  selector: LabelSelector | null;
  unhealthyPodEvictionPolicy: "IfHealthyBudget" | "AlwaysAllow";
  observedGeneration: number;
  disruptionsAllowed: number;
  /** Names of the pods whose evictions its figures contain, although the pods do not end yet. */
  disruptedPods: string[];
  currentHealthy: number;
  desiredHealthy: number;
}

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

export interface Taint {
  key: string;
  value?: string;
  effect: string;
}

/** A node keeps the API's own shape, so that rules written for whole nodes can be asked about it. */
export interface Node {
  metadata: Metadata;
  spec: { providerID: string; unschedulable: boolean; taints: Taint[] };
  status: { conditions: Condition[]; nodeInfo: { bootID: string } };
}

/** An object as the API server sends it: every part may be missing. */
interface Raw {
  metadata?: Nullable<Partial<Omit<Metadata, "controller">>> & {
    ownerReferences?: { kind: string; name: string; controller?: boolean }[] | null;
  };
  spec?: Record<string, unknown> | null;
  status?: Record<string, unknown> | null;
}

type Nullable<T> = { [K in keyof T]: T[K] | null };

/** What cordoning taints a node with. */
export const unschedulableTaint = "node.kubernetes.io/unschedulable";

/** The annotation of a static pod's mirror. */
export const mirrorAnnotation = "kubernetes.io/config.mirror";

/** What Karpenter and Cluster Autoscaler obey. */
export const doNotDisruptAnnotations = {
  "karpenter.sh/do-not-disrupt": "true",
  "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
};

const podAnnotations = [mirrorAnnotation, ...Object.keys(doNotDisruptAnnotations)];

/** Reads a pod and drops what no decision needs: a hundred thousand of them must fit in memory. */
export function toPod(object: object): Pod {
  const { metadata, spec, status } = partsOf(object);
  const annotations = Object.entries(metadata.annotations ?? {});
  const tolerations = (spec["tolerations"] ?? []) as Toleration[];
  const conditions = (status["conditions"] ?? []) as Condition[];
  const volumes = (spec["volumes"] ?? []) as { name: string; emptyDir?: object | null }[];
  return {
    metadata: toMetadata({
      ...metadata,
      annotations: Object.fromEntries(annotations.filter(([key]) => podAnnotations.includes(key))),
    }),
    ...present("nodeName", spec["nodeName"] as string | null | undefined),
    ...present("priorityClassName", spec["priorityClassName"] as string | null | undefined),
    phase: (status["phase"] as string | undefined) ?? "",
    ready: conditions.some(({ type, status }) => type === "Ready" && status === "True"),
    terminationGracePeriodSeconds:
      (spec["terminationGracePeriodSeconds"] as number | undefined) ?? 30,
    priority: (spec["priority"] as number | undefined) ?? 0,
    tolerations: tolerations.filter(({ key }) => !key || key === unschedulableTaint),
    emptyDirs: volumes
      .filter(({ emptyDir }) => emptyDir !== undefined && emptyDir !== null)
      .map(({ name }) => name),
  };
}

/** Reads a PodDisruptionBudget. */
export function toBudget(object: object): Budget {
  const { metadata, spec, status } = partsOf(object);
  const count = (name: string) => (status[name] as number | undefined) ?? 0;
  return {
    metadata: toMetadata(metadata),
    selector: (spec["selector"] as LabelSelector | null | undefined) ?? null,
    unhealthyPodEvictionPolicy:
      spec["unhealthyPodEvictionPolicy"] === "AlwaysAllow" ? "AlwaysAllow" : "IfHealthyBudget",
    observedGeneration: count("observedGeneration"),
    disruptionsAllowed: count("disruptionsAllowed"),
    disruptedPods: Object.keys((status["disruptedPods"] ?? {}) as object),
    currentHealthy: count("currentHealthy"),
    desiredHealthy: count("desiredHealthy"),
  };
}

/** Reads a node. */
export function toNode(object: object): Node {
  const { metadata, spec, status } = partsOf(object);
  const info = (status["nodeInfo"] ?? {}) as { bootID?: string };
  return {
    metadata: toMetadata(metadata),
    spec: {
      providerID: (spec["providerID"] as string | undefined) ?? "",
      unschedulable: spec["unschedulable"] === true,
      taints: (spec["taints"] ?? []) as Taint[],
    },
    status: {
      conditions: (status["conditions"] ?? []) as Condition[],
      nodeInfo: { bootID: info.bootID ?? "" },
    },
  };
}

/** The EC2 instance behind a node: the last segment of `aws:///ZONE/ID`, compared for equality, never searched for. */
export function instanceIdOfNode(node: Node): string | undefined {
  const last = node.spec.providerID.split("/").at(-1) ?? "";
  return /^i-[^/]+$/.test(last) ? last : undefined;
}

/** Manifests and fixtures leave parts out, and clients of other languages send null for them. */
function partsOf(object: object) {
  const { metadata, spec, status } = object as Raw;
  return { metadata: metadata ?? {}, spec: spec ?? {}, status: status ?? {} };
}

function toMetadata(raw: NonNullable<Raw["metadata"]>): Metadata {
  const controller = raw.ownerReferences?.find(({ controller }) => controller);
  return {
    name: raw.name ?? "",
    namespace: raw.namespace ?? "",
    uid: raw.uid ?? "",
    resourceVersion: raw.resourceVersion ?? "",
    generation: raw.generation ?? 0,
    labels: raw.labels ?? {},
    annotations: keepSmall(raw.annotations ?? {}),
    ...(controller === undefined
      ? {}
      : { controller: { kind: controller.kind, name: controller.name } }),
    ...present("creationTimestamp", raw.creationTimestamp),
    ...present("deletionTimestamp", raw.deletionTimestamp),
  };
}

/** Annotations without the large ones that `kubectl apply` leaves. */
function keepSmall(annotations: Record<string, string>): Record<string, string> {
  const { "kubectl.kubernetes.io/last-applied-configuration": _, ...kept } = annotations;
  return kept;
}

function present<K extends string, V>(key: K, value: V | null | undefined): { [P in K]?: V } {
  return value === undefined || value === null ? {} : ({ [key]: value } as { [P in K]: V });
}
