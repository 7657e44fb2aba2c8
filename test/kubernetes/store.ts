import { randomUUID } from "node:crypto";
import { expired } from "./failures.ts";
import type { KubeObject } from "./objects.ts";
import type { Resource } from "./resources.ts";

/** One write, as a watch shows it. */
export interface Change {
  type: "ADDED" | "MODIFIED" | "DELETED";
  resource: Resource;
  object: KubeObject;
  /** The object before; none for ADDED. */
  previous?: KubeObject;
  version: number;
}

/**
 * All objects and the history of their changes. As in etcd, one counter numbers the writes of every kind;
 * it is the `resourceVersion` of the object written and of every list read. Stored objects are frozen:
 * a change is always a new object.
 */
export class Store {
  readonly #objects = new Map<string, KubeObject>();
  readonly #listeners = new Set<(change: Change) => void>();
  #changes: Change[] = [];
  #version = 1;
  #compacted = 0;

  /** The number of the last write. */
  get version(): number {
    return this.#version;
  }

  /** Objects of a kind, of one namespace or of all, by namespace and name; as they were at `version`. */
  list(resource: Resource, namespace?: string, version?: number): KubeObject[] {
    const prefix = keyOf(resource, namespace, "");
    const objects = version === undefined ? this.#objects : this.#at(version);
    return [...objects]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, object]) => object);
  }

  get(resource: Resource, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#objects.get(keyOf(resource, namespace ?? "", name));
  }

  /** Stores a new object, or a new state of one, and tells the watches. */
  put(resource: Resource, object: KubeObject): KubeObject {
    const key = keyOf(resource, object.metadata.namespace ?? "", object.metadata.name);
    const previous = this.#objects.get(key);
    const stored = this.#stamp(object, previous?.metadata.uid);
    this.#objects.set(key, stored);
    this.#record(
      previous === undefined
        ? { type: "ADDED", resource, object: stored, version: this.#version }
        : { type: "MODIFIED", resource, object: stored, previous, version: this.#version },
    );
    return stored;
  }

  /** Removes an object; the watches see its last state, with the version of the removal. */
  remove(resource: Resource, object: KubeObject): KubeObject {
    const key = keyOf(resource, object.metadata.namespace ?? "", object.metadata.name);
    const previous = this.#objects.get(key);
    if (previous === undefined) return object;
    this.#objects.delete(key);
    const last = this.#stamp(object, previous.metadata.uid);
    this.#record({ type: "DELETED", resource, object: last, previous, version: this.#version });
    return last;
  }

  /**
   * The changes after a version.
   *
   * @throws Refusal 410 when they were compacted away
   */
  since(version: number): Change[] {
    if (version < this.#compacted) {
      throw expired(`too old resource version: ${version} (${this.#compacted})`);
    }
    return this.#changes.filter((change) => change.version > version);
  }

  /** Forgets the history, as etcd does every few minutes: older versions answer 410 from now on. */
  compact(): void {
    this.#compacted = this.#version;
    this.#changes = [];
  }

  /** Calls back after each write. @returns how to stop that */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #stamp(object: KubeObject, uid: string = object.metadata.uid ?? randomUUID()): KubeObject {
    this.#version += 1;
    const metadata = { ...object.metadata, uid, resourceVersion: String(this.#version) };
    return freeze(structuredClone({ ...object, metadata }));
  }

  #record(change: Change): void {
    this.#changes.push(change);
    for (const listener of this.#listeners) listener(change);
  }

  #at(version: number): Map<string, KubeObject> {
    const objects = new Map(this.#objects);
    for (const { resource, object, previous } of this.since(version).reverse()) {
      const key = keyOf(resource, object.metadata.namespace ?? "", object.metadata.name);
      if (previous === undefined) objects.delete(key);
      else objects.set(key, previous);
    }
    return objects;
  }
}

/** `group/plural/namespace/name`; without a namespace the beginning of all keys of the kind. */
function keyOf(resource: Resource, namespace: string | undefined, name: string): string {
  const kind = `${resource.group}/${resource.plural}/`;
  if (namespace === undefined) return kind;
  return `${kind}${namespace}/${name}`;
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const field of Object.values(value)) freeze(field);
    Object.freeze(value);
  }
  return value;
}
