import type { ConfigMap } from "./objects.ts";

/** A pod that can hold the lock: its name, and the uid that no other pod ever has. */
export interface Holder {
  pod: string;
  uid: string;
}

/** The lock as the API server shows it. */
export interface Lock {
  uid: string;
  resourceVersion: string;
  createdAt: string;
  /** It is being deleted, and a finalizer holds it back. */
  deleting: boolean;
  /** Its holder leads no more, and only says so: what a deletion alone could not tell. */
  released: boolean;
  /** The pod that owns it, or in a sentence why it is not one of ours. */
  owner: Holder | { foreign: string };
}

const releasedAnnotation = "kube-leader/released";

/** Reads a lock from its ConfigMap: one is ours when its only owner is a Pod and it holds no data of others. */
export function lockOf({ metadata, data, binaryData }: ConfigMap): Lock {
  const { name, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  const owners = metadata.ownerReferences ?? [];
  const [owner] = owners;
  const isPod = owners.length === 1 && owner?.apiVersion === "v1" && owner.kind === "Pod";
  // What a pod owns may be more than a lock; whoever keeps data in it would lose them. Data that somebody adds to a
  // lock of ours do not end its holder's lead.
  const isMade = metadata.labels?.["app.kubernetes.io/managed-by"] === "kube-leader";
  const hasData = !isMade && (data !== undefined || binaryData !== undefined);
  const listed = owners.map(({ kind, name }) => `${kind} ${name}`).join(" and ") || "nothing";
  return {
    uid,
    resourceVersion,
    createdAt: creationTimestamp,
    deleting: deletionTimestamp !== undefined,
    released: metadata.annotations?.[releasedAnnotation] === "true",
    owner:
      isPod && owner !== undefined && !hasData
        ? { pod: owner.name, uid: owner.uid }
        : {
            foreign: `ConfigMap ${name} is not a lock of kube-leader: its owner is ${listed}${hasData ? " and it has data" : ""}, expected one Pod${hasData ? " and no data" : ""}; choose another --name, or delete the ConfigMap if nobody needs it`,
          },
  };
}

/**
 * The ConfigMap that makes a pod the holder; garbage collection removes it after the pod.
 *
 * @param options.released says instead that this pod leads no more
 */
export function lockManifest(
  name: string,
  holder: Holder,
  { released = false }: { released?: boolean } = {},
): object {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name,
      labels: {
        "app.kubernetes.io/managed-by": "kube-leader",
        // A restored lock would have no owner, and nobody would ever free it.
        "velero.io/exclude-from-backup": "true",
      },
      ...(released ? { annotations: { [releasedAnnotation]: "true" } } : {}),
      // No blockOwnerDeletion: clusters with OwnerReferencesPermissionEnforcement refuse it with 403.
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: holder.pod, uid: holder.uid }],
    },
  };
}
