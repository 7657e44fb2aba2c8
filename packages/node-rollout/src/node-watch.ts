import { follow } from "./follow.ts";
import type { Kubernetes } from "./kubernetes.ts";
import { type Node, toNode } from "./objects.ts";

/** One node, kept current. */
export interface NodeWatch {
  /** Resolves when it was looked for, found or not. */
  ready: Promise<void>;
  /** The node as last seen; undefined when there is none of this name, or none any more. */
  node(): Node | undefined;
}

/** Follows one node until the signal aborts. */
export function watchNode(
  kubernetes: Kubernetes,
  name: string,
  options: { signal: AbortSignal; changed(): void; failed(error: unknown): void },
): NodeWatch {
  const { signal, changed, failed } = options;
  const query = { fieldSelector: `metadata.name=${name}` };
  const first = Promise.withResolvers<void>();
  let node: Node | undefined;
  void follow(kubernetes, { path: "/api/v1/nodes", query, signal }, toNode, {
    listed(items) {
      [node] = items;
      first.resolve();
      changed();
    },
    changed(type, item) {
      // Its heartbeats are no news.
      const was = node?.metadata.uid;
      node = type === "set" ? item : undefined;
      if (node?.metadata.uid !== was) changed();
    },
    failed,
  });
  return { ready: first.promise, node: () => node };
}
