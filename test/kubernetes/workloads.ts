import { conditionIsTrue, controllerOf, type KubeObject, type Node, type Pod } from "./objects.ts";
import { type Resource, resourceNamed } from "./resources.ts";
import { type LabelSelector, selects } from "./selectors.ts";
import type { Store } from "./store.ts";
import { create } from "./writes.ts";

const deployments = resourceNamed("deployments");
const replicaSets = resourceNamed("replicasets");
const statefulSets = resourceNamed("statefulsets");
const pods = resourceNamed("pods");
const nodes = resourceNamed("nodes");

interface PodTemplate {
  metadata?: { labels?: Record<string, string> };
  spec?: Record<string, unknown>;
}

/**
 * Stands for the workload controllers and the scheduler: each Deployment has its ReplicaSet, each
 * ReplicaSet and StatefulSet its pods, each pod a node that takes it, or none while there is none.
 *
 * @returns how to stop it
 */
export function runWorkloads(store: Store): () => void {
  let planned: NodeJS.Immediate | undefined;
  const plan = () => {
    planned ??= setImmediate(() => {
      planned = undefined;
      reconcile(store);
    });
  };
  const unsubscribe = store.onChange(({ resource }) => {
    if (resource.group === "apps" || resource === pods || resource === nodes) plan();
  });
  plan();
  return () => {
    unsubscribe();
    clearImmediate(planned);
  };
}

function reconcile(store: Store): void {
  for (const deployment of store.list(deployments)) ensureReplicaSet(store, deployment);
  for (const resource of [replicaSets, statefulSets]) {
    for (const owner of store.list(resource)) ensurePods(store, resource, owner);
  }
  for (const pod of store.list(pods)) schedule(store, pod as Pod);
  for (const resource of [deployments, replicaSets, statefulSets]) {
    for (const owner of store.list(resource)) reportReplicas(store, resource, owner);
  }
}

function ownedBy(owner: KubeObject, kind: string) {
  const { name, uid = "" } = owner.metadata;
  const reference = { apiVersion: "apps/v1", kind, name, uid };
  return [{ ...reference, controller: true, blockOwnerDeletion: true }];
}

function ensureReplicaSet(store: Store, deployment: KubeObject): void {
  const { name, namespace = "", uid, deletionTimestamp } = deployment.metadata;
  if (deletionTimestamp !== undefined) return;
  const { selector, replicas, template } = deployment.spec ?? {};
  const wanted = { selector, replicas: replicas ?? 1, template };
  const present = store.list(replicaSets, namespace).find((set) => controllerOf(set)?.uid === uid);
  if (present === undefined) {
    const labels = (template as PodTemplate | undefined)?.metadata?.labels ?? {};
    const ownerReferences = ownedBy(deployment, "Deployment");
    const metadata = { generateName: `${name}-`, namespace, labels, ownerReferences };
    create(store, { resource: replicaSets, namespace }, { metadata, spec: wanted });
  } else if (present.spec?.["replicas"] !== wanted.replicas) {
    store.put(replicaSets, { ...present, spec: { ...present.spec, replicas: wanted.replicas } });
  }
}

function livingPodsOf(store: Store, owner: KubeObject): KubeObject[] {
  const selector = owner.spec?.["selector"] as LabelSelector | undefined;
  return store
    .list(pods, owner.metadata.namespace)
    .filter((pod) => selects(selector, pod))
    .filter((pod) => controllerOf(pod)?.uid === owner.metadata.uid)
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

function ensurePods(store: Store, resource: Resource, owner: KubeObject): void {
  const { name, namespace = "", deletionTimestamp } = owner.metadata;
  if (deletionTimestamp !== undefined) return;
  const missing = Number(owner.spec?.["replicas"] ?? 1) - livingPodsOf(store, owner).length;
  if (missing <= 0) return;
  const template = (owner.spec?.["template"] ?? {}) as PodTemplate;
  const ownerReferences = ownedBy(owner, resource.kind);
  const labels = template.metadata?.labels ?? {};
  const names =
    resource === statefulSets
      ? freeOrdinals(store, owner).map((ordinal) => ({ name: `${name}-${ordinal}` }))
      : Array.from({ length: missing }, () => ({ generateName: `${name}-` }));
  for (const naming of names) {
    const metadata = { ...naming, namespace, labels, ownerReferences };
    create(store, { resource: pods, namespace }, { metadata, spec: { ...template.spec } });
  }
}

/** A StatefulSet's pod gets its name again only when the pod before has gone for good. */
function freeOrdinals(store: Store, { metadata, spec }: KubeObject): number[] {
  return Array.from({ length: Number(spec?.["replicas"] ?? 1) }, (_, ordinal) => ordinal).filter(
    (ordinal) => store.get(pods, metadata.namespace, `${metadata.name}-${ordinal}`) === undefined,
  );
}

/** Binds a pod to the node with the fewest pods among those that take it. */
function schedule(store: Store, pod: Pod): void {
  if (pod.spec.nodeName || pod.metadata.deletionTimestamp !== undefined) return;
  if (pod.spec["schedulerName"] !== undefined) return; // somebody else's
  const load = (node: KubeObject) =>
    store.list(pods).filter(({ spec }) => spec?.["nodeName"] === node.metadata.name).length;
  const [best] = (store.list(nodes) as Node[])
    .filter((node) => takes(node, pod))
    .sort((one, other) => load(one) - load(other));
  if (best === undefined) return;
  store.put(pods, { ...pod, spec: { ...pod.spec, nodeName: best.metadata.name } });
}

function takes(node: Node, pod: Pod): boolean {
  const { unschedulable, taints = [] } = node.spec ?? {};
  const cordon = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
  const wall = [...taints, ...(unschedulable ? [cordon] : [])].filter(
    ({ effect }) => effect !== "PreferNoSchedule",
  );
  const labels = node.metadata.labels ?? {};
  return (
    wall.every((taint) => tolerates(pod, taint)) &&
    Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)
  );
}

function tolerates(pod: Pod, taint: { key: string; value?: string; effect: string }): boolean {
  return (pod.spec.tolerations ?? []).some(
    ({ key, operator = "Equal", value = "", effect }) =>
      (key === undefined || key === taint.key) &&
      (effect === undefined || effect === taint.effect) &&
      (operator === "Exists" || value === (taint.value ?? "")),
  );
}

function reportReplicas(store: Store, resource: Resource, owner: KubeObject): void {
  const living =
    resource === deployments
      ? store
          .list(replicaSets, owner.metadata.namespace)
          .filter((set) => controllerOf(set)?.uid === owner.metadata.uid)
          .flatMap((set) => livingPodsOf(store, set))
      : livingPodsOf(store, owner);
  const readyReplicas = living.filter((pod) => conditionIsTrue(pod, "Ready")).length;
  const { status = {} } = owner;
  if (status["replicas"] === living.length && status["readyReplicas"] === readyReplicas) return;
  const counts = { replicas: living.length, readyReplicas, availableReplicas: readyReplicas };
  store.put(resource, { ...owner, status: { ...status, ...counts } });
}
