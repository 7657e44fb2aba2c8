import type { V1ObjectMeta, V1OwnerReference, V1Pod } from "@kubernetes/client-node";
import type { LabelSelector } from "../kubernetes/objects.ts";
import { indexSelectors, type Labels } from "./selector.ts";

/** Something that makes pods, or one bare pod. */
export interface Workload {
  kind: string;
  namespace: string;
  name: string;
  /** Replicas asked for; absent when its kind has no scale. */
  replicas?: number;
  selector?: LabelSelector;
  /** The labels it gives its pods, as far as its template tells. */
  template?: Labels;
  /** Its pods name an owner that is gone; they will go, too. */
  gone?: boolean;
  pods: WorkloadPod[];
}

/** What the audit needs to know of a pod. */
export interface WorkloadPod {
  name: string;
  labels: Labels;
  node?: string;
  /** Ready and not terminating. */
  healthy: boolean;
  /** It runs without being Ready, so that its own eviction asks the budget. */
  sick: boolean;
  /** It ran to its end. */
  finished: boolean;
  /** The ReplicaSet that made it, where budgets count that and not the workload above. */
  version?: Version;
}

/**
 * A ReplicaSet of a custom controller (Argo's Rollout). The disruption controller looks above a ReplicaSet for a
 * Deployment alone: in the middle of a canary each version counts with replicas of its own
 * (kubernetes `pkg/controller/disruption/disruption.go`, getPodReplicaSet).
 */
export interface Version {
  name: string;
  replicas: number;
}

interface Source {
  kind?: string;
  metadata?: V1ObjectMeta;
  spec?: {
    replicas?: unknown;
    selector?: unknown;
    template?: { metadata?: { labels?: Record<string, string> } };
  };
}

const replicated = ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"];
/** Labels that tell the versions of one workload apart. */
const versionLabels = [
  "pod-template-hash",
  "rollouts-pod-template-hash",
  "controller-revision-hash",
];

/**
 * Sorts pods under the workloads that made them: a pod belongs to its controller, a ReplicaSet's to the Deployment
 * (or Rollout) above. Controllers that only pods tell of, and bare pods, become workloads of their own.
 */
export function sortWorkloads(objects: readonly object[], pods: readonly object[]): Workload[] {
  const registry = new Registry();
  const sources = objects as readonly Source[];
  for (const source of sources) if (source.kind !== "Pod") registry.add(source);
  for (const source of sources) if (source.kind === "ReplicaSet") registry.putBelowOwner(source);
  const find = registry.bySelector();
  const listed = sources.filter(({ kind }) => kind === "Pod") as V1Pod[];
  for (const pod of [...(pods as readonly V1Pod[]), ...listed]) {
    registry.ownerOf(pod, find).pods.push({ ...factsOf(pod), ...registry.versionOf(pod) });
  }
  return registry.workloads();
}

class Registry {
  readonly #byUid = new Map<string, Workload>();
  readonly #byName = new Map<string, { workload: Workload; uid: string | undefined }>();
  readonly #all = new Set<Workload>();

  add({ kind = "", metadata = {}, spec = {} }: Source): void {
    const labels = spec.template?.metadata?.labels;
    const replicas = replicasOf(kind, spec.replicas);
    this.#register(metadata.uid, {
      kind,
      namespace: metadata.namespace ?? "default",
      name: metadata.name ?? "",
      ...(replicas === undefined ? {} : { replicas }),
      ...selectorOf(kind, spec.selector),
      ...(labels === undefined ? {} : { template: labels }),
      pods: [],
    });
  }

  #register(uid: string | undefined, workload: Workload): void {
    const key = keyOf(workload.kind, workload.namespace, workload.name);
    const { gone } = workload;
    if (!gone) this.#byName.set(key, { workload, uid });
    if (uid !== undefined) this.#byUid.set(uid, workload);
    this.#all.add(workload);
  }

  /** A ReplicaSet that something controls is a version of that, not a workload. */
  putBelowOwner(source: Source): void {
    const { metadata = {}, spec } = source;
    const owner = controllerOf(metadata);
    if (owner === undefined) return;
    const namespace = metadata.namespace ?? "default";
    const known = this.#find(owner, namespace);
    const replicas = replicasOf("ReplicaSet", spec?.replicas) ?? 0;
    const own = this.#byName.get(keyOf("ReplicaSet", namespace, metadata.name ?? ""));
    if (own !== undefined) this.#all.delete(own.workload);
    const above = known ?? this.#fromOwner(owner, namespace);
    if (known === undefined || this.#derived.has(known)) {
      above.replicas = (above.replicas ?? 0) + replicas;
      if (replicas > 0) above.template ??= withoutVersion(spec?.template?.metadata?.labels ?? {});
    }
    const { name = "" } = metadata;
    const key = keyOf("ReplicaSet", namespace, name);
    this.#byName.set(key, { workload: above, uid: metadata.uid });
    if (owner.kind !== "Deployment") this.#versions.set(key, { name, replicas });
    if (metadata.uid !== undefined) this.#byUid.set(metadata.uid, above);
  }

  readonly #versions = new Map<string, Version>();

  versionOf({ metadata = {} }: V1Pod): { version?: Version } {
    const owner = controllerOf(metadata);
    if (owner?.kind !== "ReplicaSet") return {};
    const key = keyOf(owner.kind, metadata.namespace ?? "default", owner.name);
    const version = this.#versions.get(key);
    return version === undefined ? {} : { version };
  }

  readonly #derived = new Set<Workload>();

  /** A controller that was not given; nothing is known but what it owns. */
  #fromOwner(owner: V1OwnerReference, namespace: string): Workload {
    const { kind, name } = owner;
    const gone = this.#byName.has(keyOf(kind, namespace, name));
    const workload: Workload = { kind, namespace, name, ...(gone && { gone }), pods: [] };
    this.#register(owner.uid, workload);
    this.#derived.add(workload);
    return workload;
  }

  #find(owner: V1OwnerReference, namespace: string): Workload | undefined {
    const byUid = this.#byUid.get(owner.uid);
    if (byUid !== undefined) return byUid;
    // Manifests have no uid; where both have one, another uid is another object of the same name.
    const named = this.#byName.get(keyOf(owner.kind, namespace, owner.name));
    return named?.uid === undefined || owner.uid === undefined ? named?.workload : undefined;
  }

  /** Workloads by what they select, for pods whose ReplicaSet was not given, and orphans about to be adopted. */
  bySelector(): (namespace: string, labels: Labels) => Workload[] {
    return indexSelectors(
      [...this.#all]
        .filter(({ kind }) => replicated.includes(kind))
        .map((workload) => ({
          item: workload,
          namespace: workload.namespace,
          selector: workload.selector ?? null,
        })),
    );
  }

  ownerOf(
    { metadata = {} }: V1Pod,
    find: (namespace: string, labels: Labels) => Workload[],
  ): Workload {
    const namespace = metadata.namespace ?? "default";
    const owner = controllerOf(metadata);
    const known = owner === undefined ? undefined : this.#find(owner, namespace);
    if (known !== undefined) {
      if (this.#counted.has(known)) known.replicas = (known.replicas ?? 0) + 1;
      return known;
    }
    if (owner === undefined || owner.kind === "ReplicaSet") {
      const [selecting] = find(namespace, metadata.labels ?? {});
      if (selecting !== undefined) return selecting;
    }
    return owner === undefined
      ? this.#addBare(metadata, namespace)
      : this.#addOwner(owner, namespace);
  }

  /** Controllers whose replicas we only know by counting their pods. */
  readonly #counted = new Set<Workload>();

  #addOwner(owner: V1OwnerReference, namespace: string): Workload {
    const workload = this.#fromOwner(owner, namespace);
    if (!hasNoScale(owner.kind) && !workload.gone) {
      workload.replicas = 1;
      this.#counted.add(workload);
    }
    return workload;
  }

  #addBare(metadata: V1ObjectMeta, namespace: string): Workload {
    const workload = { kind: "Pod", namespace, name: metadata.name ?? "", replicas: 1, pods: [] };
    this.#all.add(workload);
    return workload;
  }

  workloads(): Workload[] {
    return [...this.#all];
  }
}

/** What drains do not ask replicas of: one pod a node, runs to an end, or the kubelet's own. */
export function hasNoScale(kind: string): boolean {
  return ["DaemonSet", "Job", "CronJob", "Node"].includes(kind);
}

function replicasOf(kind: string, given: unknown): number | undefined {
  if (hasNoScale(kind)) return undefined;
  if (Number.isInteger(given)) return given as number;
  return replicated.includes(kind) ? 1 : undefined;
}

function controllerOf({ ownerReferences }: V1ObjectMeta): V1OwnerReference | undefined {
  return ownerReferences?.find(({ controller }) => controller);
}

/** A ReplicationController's selector is a plain map; a custom resource's may be anything. */
function selectorOf(kind: string, selector: unknown): { selector?: LabelSelector } {
  if (typeof selector !== "object" || selector === null) return {};
  if (kind === "ReplicationController") {
    return { selector: { matchLabels: selector as Record<string, string> } };
  }
  const known = "matchLabels" in selector || "matchExpressions" in selector;
  return known ? { selector: selector as LabelSelector } : {};
}

function factsOf({ metadata = {}, spec, status }: V1Pod): WorkloadPod {
  const terminating = Boolean(metadata.deletionTimestamp);
  const ready = status?.conditions?.find(({ type }) => type === "Ready")?.status;
  const running = status?.phase === undefined || status.phase === "Running";
  // A manifest's pod has no status yet; it will be well.
  const well = status?.conditions === undefined ? running : ready === "True";
  return {
    name: metadata.name ?? "",
    labels: metadata.labels ?? {},
    ...(spec?.nodeName ? { node: spec.nodeName } : {}),
    healthy: well && !terminating,
    sick: running && !well && !terminating,
    finished: status?.phase === "Succeeded" || status?.phase === "Failed",
  };
}

/** The labels that every version of a workload's pods carries. */
export function withoutVersion(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !versionLabels.includes(key)));
}

function keyOf(kind: string, namespace: string, name: string): string {
  return JSON.stringify([kind, namespace, name]);
}
