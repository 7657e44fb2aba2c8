/** Kubernetes objects for the audit's tests, as short as the case allows. */

type Labels = Record<string, string>;

export function deployment(name: string, replicas: number, labels: Labels = { app: name }) {
  return controller("Deployment", name, replicas, labels);
}

export function controller(
  kind: string,
  name: string,
  replicas: unknown,
  labels: Labels = { app: name },
) {
  return {
    apiVersion: kind === "Rollout" ? "argoproj.io/v1alpha1" : "apps/v1",
    kind,
    metadata: { name, namespace: "shop", uid: `uid-${kind}-${name}` },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: labels },
      template: { metadata: { labels } },
    },
  };
}

export function replicaSet(name: string, replicas: number, owner?: { kind: string; name: string }) {
  const base = controller("ReplicaSet", name, replicas, { app: owner?.name ?? name });
  return owner === undefined
    ? base
    : { ...base, metadata: { ...base.metadata, ...ownedBy(owner) } };
}

export function ownedBy({ kind, name }: { kind: string; name: string }) {
  return { ownerReferences: [{ kind, name, uid: `uid-${kind}-${name}`, controller: true }] };
}

export function budget(name: string, spec: object, matchLabels: Labels = { app: name }) {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name, namespace: "shop" },
    spec: { selector: { matchLabels }, ...spec },
  };
}

/** Ready pods of a controller, one for each node given. */
export function podsOf(owner: { kind: string; name: string }, nodes: string[], labels?: Labels) {
  return nodes.map((node, index) =>
    pod(`${owner.name}-${index}`, { node, owner, ...(labels && { labels }) }),
  );
}

export function pod(
  name: string,
  options: {
    node?: string;
    owner?: { kind: string; name: string };
    labels?: Labels;
    ready?: boolean;
    phase?: string;
    deleted?: boolean;
  } = {},
) {
  const {
    node,
    owner,
    labels = { app: owner?.name ?? name },
    ready = true,
    phase = "Running",
    deleted,
  } = options;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "shop",
      uid: `uid-${name}`,
      labels,
      ...(owner === undefined ? {} : ownedBy(owner)),
      ...(deleted ? { deletionTimestamp: "2026-07-01T12:00:00Z" } : {}),
    },
    spec: node === undefined ? {} : { nodeName: node },
    status: { phase, conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  };
}
