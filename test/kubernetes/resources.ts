/** A kind of object that the fake serves. */
export interface Resource {
  /** "" for the core group. */
  group: string;
  version: string;
  /** Its name in paths: `configmaps`. */
  plural: string;
  kind: string;
  namespaced: boolean;
  subresources: readonly string[];
  /** Top-level fields besides apiVersion, kind and metadata. */
  fields: readonly string[];
}

const specAndStatus = ["spec", "status"];

function resource(
  group: string,
  plural: string,
  kind: string,
  fields: readonly string[],
  more: Partial<Pick<Resource, "namespaced" | "subresources">> = {},
): Resource {
  return {
    group,
    version: "v1",
    plural,
    kind,
    namespaced: true,
    subresources: [],
    fields,
    ...more,
  };
}

const withStatus = { subresources: ["status"] };
const cluster = { namespaced: false };
const rbac = "rbac.authorization.k8s.io";

/** Everything the fake knows; a request for anything else fails loudly. */
export const resources: readonly Resource[] = [
  resource("", "configmaps", "ConfigMap", ["data", "binaryData", "immutable"]),
  resource("", "secrets", "Secret", ["data", "stringData", "type", "immutable"]),
  resource("", "pods", "Pod", specAndStatus, { subresources: ["status", "eviction"] }),
  resource("", "nodes", "Node", specAndStatus, { ...cluster, ...withStatus }),
  resource("", "namespaces", "Namespace", specAndStatus, { ...cluster, ...withStatus }),
  resource("", "services", "Service", specAndStatus, withStatus),
  resource("", "persistentvolumeclaims", "PersistentVolumeClaim", specAndStatus, withStatus),
  resource("", "persistentvolumes", "PersistentVolume", specAndStatus, {
    ...cluster,
    ...withStatus,
  }),
  resource("", "replicationcontrollers", "ReplicationController", specAndStatus, withStatus),
  resource("", "serviceaccounts", "ServiceAccount", [
    "secrets",
    "imagePullSecrets",
    "automountServiceAccountToken",
  ]),
  resource("", "events", "Event", [
    ...["involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp"],
    ...["count", "type", "eventTime", "series", "action", "related"],
    ...["reportingComponent", "reportingInstance"],
  ]),
  resource("events.k8s.io", "events", "Event", [
    ...["eventTime", "series", "reportingController", "reportingInstance", "action", "reason"],
    ...["regarding", "related", "note", "type"],
    ...["deprecatedSource", "deprecatedFirstTimestamp", "deprecatedLastTimestamp"],
    "deprecatedCount",
  ]),
  resource("apps", "deployments", "Deployment", specAndStatus, withStatus),
  resource("apps", "replicasets", "ReplicaSet", specAndStatus, withStatus),
  resource("apps", "statefulsets", "StatefulSet", specAndStatus, withStatus),
  resource("apps", "daemonsets", "DaemonSet", specAndStatus, withStatus),
  resource("batch", "jobs", "Job", specAndStatus, withStatus),
  resource("batch", "cronjobs", "CronJob", specAndStatus, withStatus),
  resource("policy", "poddisruptionbudgets", "PodDisruptionBudget", specAndStatus, withStatus),
  resource("coordination.k8s.io", "leases", "Lease", ["spec"]),
  resource("storage.k8s.io", "volumeattachments", "VolumeAttachment", specAndStatus, {
    ...cluster,
    ...withStatus,
  }),
  resource(rbac, "roles", "Role", ["rules"]),
  resource(rbac, "rolebindings", "RoleBinding", ["subjects", "roleRef"]),
  resource(rbac, "clusterroles", "ClusterRole", ["rules", "aggregationRule"], cluster),
  resource(rbac, "clusterrolebindings", "ClusterRoleBinding", ["subjects", "roleRef"], cluster),
];

/** The group and version as objects carry it: `v1`, `apps/v1`. */
export function apiVersionOf({ group, version }: Pick<Resource, "group" | "version">): string {
  return group === "" ? version : `${group}/${version}`;
}

/** The resource by its path's words. */
export function findResource(apiVersion: string, plural: string): Resource | undefined {
  return resources.find((known) => known.plural === plural && apiVersionOf(known) === apiVersion);
}

/** The resource by an object's own words. */
export function resourceOfKind(apiVersion: string, kind: string): Resource | undefined {
  return resources.find((known) => known.kind === kind && apiVersionOf(known) === apiVersion);
}

/** The resource of a kind that the fake itself works with. */
export function resourceNamed(plural: string): Resource {
  const found = resources.find((known) => known.plural === plural);
  if (found === undefined) throw new Error(`the fake Kubernetes API has no ${plural}`);
  return found;
}
