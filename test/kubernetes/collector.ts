import { deleteObject, foregroundFinalizer, orphanFinalizer, removeOrMark } from "./deletion.ts";
import type { KubeObject, OwnerReference } from "./objects.ts";
import { type Resource, resourceNamed, resourceOfKind, resources } from "./resources.ts";
import type { Change, Store } from "./store.ts";

const namespaces = resourceNamed("namespaces");

/** Something in the store and its kind. */
interface Item {
  resource: Resource;
  object: KubeObject;
}

/**
 * Collects what belongs to nobody any more, as the garbage collector and the namespace controller do.
 *
 * @param delayMs how long after a change it looks; a real cluster takes 10 to 20 ms when all is well
 * @returns how to stop it
 */
export function runCollector(store: Store, delayMs: number): () => void {
  let planned: NodeJS.Timeout | undefined;
  const plan = () => {
    planned ??= setTimeout(() => {
      planned = undefined;
      collect(store);
    }, delayMs);
  };
  const unsubscribe = store.onChange((change) => {
    if (concerns(change)) plan();
  });
  plan();
  return () => {
    unsubscribe();
    clearTimeout(planned);
  };
}

/** A removal, a mark, an owned object: all else gives the collector nothing to do. */
function concerns({ type, object: { metadata } }: Change): boolean {
  return (
    type === "DELETED" ||
    metadata.deletionTimestamp !== undefined ||
    (metadata.ownerReferences ?? []).length > 0
  );
}

function collect(store: Store): void {
  for (const item of allItems(store)) {
    if (item.object.metadata.ownerReferences?.length) releaseOrDelete(store, item);
  }
  for (const item of allItems(store)) finishOwner(store, item);
  for (const object of store.list(namespaces)) {
    if (object.metadata.deletionTimestamp !== undefined) emptyNamespace(store, object);
  }
}

function allItems(store: Store): Item[] {
  return resources.flatMap((resource) =>
    store.list(resource).map((object) => ({ resource, object })),
  );
}

type OwnerState = "solid" | "waiting" | "absent" | "unknown";

/** What became of an owner. One that waits for its dependents' end holds nothing alive. */
function stateOf(store: Store, { object }: Item, owner: OwnerReference): OwnerState {
  const resource = resourceOfKind(owner.apiVersion, owner.kind);
  // A kind that is spelt wrong, `pods`, is never resolved: the object stays for good.
  if (resource === undefined) return "unknown";
  const namespace = resource.namespaced ? object.metadata.namespace : undefined;
  const found = store.get(resource, namespace, owner.name);
  if (found?.metadata.uid !== owner.uid) return "absent";
  return isDeletingDependents(found) ? "waiting" : "solid";
}

function isDeletingDependents({ metadata }: KubeObject): boolean {
  return (
    metadata.deletionTimestamp !== undefined &&
    (metadata.finalizers ?? []).includes(foregroundFinalizer)
  );
}

function releaseOrDelete(store: Store, item: Item): void {
  const { resource, object } = item;
  const { name, namespace, uid, deletionTimestamp, ownerReferences = [] } = object.metadata;
  if (deletionTimestamp !== undefined) return;
  const states = ownerReferences.map((owner) => stateOf(store, item, owner));
  if (states.includes("unknown")) return;
  if (!states.includes("solid")) {
    const policy = states.includes("waiting") && hasBlockers(store, object);
    deleteObject(
      store,
      { resource, namespace, name },
      {
        preconditions: { uid: String(uid) },
        propagationPolicy: policy ? "Foreground" : "Background",
      },
    );
  } else if (states.some((state) => state !== "solid")) {
    const solid = ownerReferences.filter((_, index) => states[index] === "solid");
    store.put(resource, { ...object, metadata: { ...object.metadata, ownerReferences: solid } });
  }
}

function dependentsOf(store: Store, { metadata }: KubeObject): Item[] {
  return allItems(store).filter(({ object }) =>
    object.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid),
  );
}

function hasBlockers(store: Store, owner: KubeObject): boolean {
  return dependentsOf(store, owner).some(({ object }) =>
    object.metadata.ownerReferences?.some(
      ({ uid, blockOwnerDeletion }) => uid === owner.metadata.uid && blockOwnerDeletion === true,
    ),
  );
}

/** Takes the finalizer off an owner whose dependents are gone (foreground) or let go (orphan). */
function finishOwner(store: Store, { resource, object }: Item): void {
  const { metadata } = object;
  const finalizers = metadata.finalizers ?? [];
  if (metadata.deletionTimestamp === undefined) return;
  if (finalizers.includes(orphanFinalizer)) {
    for (const dependent of dependentsOf(store, object)) letGo(store, dependent, metadata.uid);
  } else if (!finalizers.includes(foregroundFinalizer) || hasBlockers(store, object)) return;
  const left = finalizers.filter(
    (name) => name !== foregroundFinalizer && name !== orphanFinalizer,
  );
  removeOrMark(store, resource, { ...object, metadata: { ...metadata, finalizers: left } });
}

function letGo(store: Store, { resource, object }: Item, owner: string | undefined): void {
  const ownerReferences = object.metadata.ownerReferences?.filter(({ uid }) => uid !== owner) ?? [];
  store.put(resource, { ...object, metadata: { ...object.metadata, ownerReferences } });
}

function emptyNamespace(store: Store, namespace: KubeObject): void {
  const content = allItems(store).filter(
    ({ object }) => object.metadata.namespace === namespace.metadata.name,
  );
  for (const { resource, object } of content) {
    if (object.metadata.deletionTimestamp !== undefined) continue;
    const { name, namespace: within } = object.metadata;
    deleteObject(store, { resource, namespace: within, name });
  }
  if (content.length === 0) store.remove(namespaces, namespace);
}
