import { conflict, invalid, notFound, Unknown } from "./failures.ts";
import { isTerminal, type KubeObject, type Metadata, timestamp } from "./objects.ts";
import type { Resource } from "./resources.ts";
import type { Store } from "./store.ts";

export type PropagationPolicy = "Background" | "Foreground" | "Orphan";

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: PropagationPolicy;
  dryRun?: boolean;
}

export const foregroundFinalizer = "foregroundDeletion";
export const orphanFinalizer = "orphan";

const knownOptions = [
  ...["apiVersion", "kind", "gracePeriodSeconds", "preconditions", "propagationPolicy"],
  ...["orphanDependents", "dryRun"],
];

/**
 * Reads the DeleteOptions of a request: its body, then its query, which may say the same.
 *
 * @throws Refusal for an option that does not exist
 */
export function readDeleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  const given = (body ?? {}) as Record<string, unknown>;
  for (const field of Object.keys(given)) {
    if (!knownOptions.includes(field)) {
      throw new Unknown(400, `unknown field "${field}" in DeleteOptions`);
    }
  }
  const { gracePeriodSeconds, preconditions, propagationPolicy, orphanDependents, dryRun } =
    given as DeleteOptions & { orphanDependents?: boolean };
  const grace = query.get("gracePeriodSeconds") ?? gracePeriodSeconds;
  const policy = (query.get("propagationPolicy") ??
    propagationPolicy ??
    (orphanDependents === true ? "Orphan" : undefined)) as PropagationPolicy | undefined;
  if (policy !== undefined && !["Background", "Foreground", "Orphan"].includes(policy)) {
    throw invalid(
      { group: "meta.k8s.io", kind: "DeleteOptions" },
      "",
      "propagationPolicy",
      `Unsupported value: "${policy}": supported values: "Foreground", "Background", "Orphan", "nil"`,
    );
  }
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(preconditions ? { preconditions } : {}),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    dryRun: dryRun !== undefined || query.has("dryRun"),
  };
}

/** What a deletion left: the object's last state, and whether it is gone or only marked. */
export interface Deleted {
  object: KubeObject;
  gone: boolean;
}

/**
 * Deletes an object, or marks it: a pod on a node waits for its grace, finalizers for those who set them.
 *
 * @throws Refusal 404, or 409 when a precondition does not hold
 */
export function deleteObject(
  store: Store,
  target: { resource: Resource; namespace?: string | undefined; name: string },
  options: DeleteOptions = {},
): Deleted {
  const { resource, namespace, name } = target;
  const present = store.get(resource, namespace, name);
  if (present === undefined) throw notFound(resource, name);
  checkPreconditions(resource, present, options);
  const grace = graceOf(resource, present, options);
  const metadata = { ...present.metadata, ...finalizersOf(present, options) };
  const waits = grace > 0 || (metadata.finalizers ?? []).length > 0 || isNamespace(resource);
  const object = waits ? mark({ ...present, metadata }, grace) : present;
  if (options.dryRun) return { object, gone: !waits };
  if (!waits) return { object: store.remove(resource, present), gone: true };
  if (isNamespace(resource)) object.status = { ...object.status, phase: "Terminating" };
  return { object: store.put(resource, object), gone: false };
}

function isNamespace({ plural }: Resource): boolean {
  return plural === "namespaces";
}

function checkPreconditions(
  resource: Resource,
  { metadata }: KubeObject,
  { preconditions: { uid, resourceVersion } = {} }: DeleteOptions,
): void {
  // Here, and only here, the server names the kind where all else names the resource.
  const named = { group: resource.group, plural: resource.kind };
  if (uid && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`;
    throw conflict(named, metadata.name, why);
  }
  if (resourceVersion && resourceVersion !== metadata.resourceVersion) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`;
    throw conflict(named, metadata.name, why);
  }
}

/** Only pods know grace, and only while a kubelet has something to stop. */
function graceOf(
  resource: Resource,
  { spec, metadata, ...rest }: KubeObject,
  { gracePeriodSeconds }: DeleteOptions,
): number {
  if (resource.plural !== "pods") return 0;
  if (!spec?.["nodeName"] || isTerminal({ spec, metadata, ...rest })) return 0;
  const own = Number(spec["terminationGracePeriodSeconds"] ?? 30);
  const wanted = gracePeriodSeconds ?? metadata.deletionGracePeriodSeconds ?? own;
  const grace = wanted < 0 ? 1 : wanted;
  // A second request may shorten the grace of the first, never lengthen it.
  return Math.min(grace, metadata.deletionGracePeriodSeconds ?? grace);
}

function finalizersOf(
  { metadata }: KubeObject,
  { propagationPolicy }: DeleteOptions,
): Pick<Metadata, "finalizers"> {
  const others = (metadata.finalizers ?? []).filter(
    (finalizer) =>
      propagationPolicy === undefined ||
      (finalizer !== foregroundFinalizer && finalizer !== orphanFinalizer),
  );
  if (propagationPolicy === "Foreground") return { finalizers: [...others, foregroundFinalizer] };
  if (propagationPolicy === "Orphan") return { finalizers: [...others, orphanFinalizer] };
  return metadata.finalizers === undefined ? {} : { finalizers: others };
}

function mark(object: KubeObject, grace: number): KubeObject {
  const { deletionTimestamp, deletionGracePeriodSeconds: before } = object.metadata;
  if (deletionTimestamp !== undefined && before === grace) return object;
  const asked =
    deletionTimestamp === undefined
      ? Date.now()
      : Date.parse(deletionTimestamp) - (before ?? 0) * 1000;
  const metadata: Metadata = {
    ...object.metadata,
    deletionTimestamp: timestamp(asked + grace * 1000),
    deletionGracePeriodSeconds: grace,
    ...(object.metadata.generation === undefined
      ? {}
      : { generation: object.metadata.generation + 1 }),
  };
  return { ...object, metadata };
}

/** Stores a changed object, or removes it when a finished deletion only waited for this change. */
export function removeOrMark(store: Store, resource: Resource, object: KubeObject): KubeObject {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  const finished =
    deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && finalizers.length === 0;
  return finished && !isNamespace(resource)
    ? store.remove(resource, object)
    : store.put(resource, object);
}
