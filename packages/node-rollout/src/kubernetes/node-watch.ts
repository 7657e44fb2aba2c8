import { follow } from "./follow.ts";
import type { Kubernetes } from "./kubernetes.ts";
import { type Node, toNode } from "./objects.ts";

/** The node as last seen; undefined when there is none of its name any more. */
export type NodeWatch = () => Node | undefined;

/**
 * Follows one node until the signal aborts.
 *
 * @param known the node as just read: it is not read again
 */
export function watchNode(
  kubernetes: Kubernetes,
  known: Node,
  options: { signal: AbortSignal; changed(): void; failed(error: unknown): void },
): NodeWatch {
  const { signal, changed, failed } = options;
  const { name, resourceVersion: from } = known.metadata;
  const query = { fieldSelector: `metadata.name=${name}` };
  let node: Node | undefined = known;
  const set = (seen: Node | undefined) => {
    const isNews = seen?.metadata.uid !== node?.metadata.uid; // its heartbeats are none
    node = seen;
    if (isNews) changed();
  };
  void follow(kubernetes, { path: "/api/v1/nodes", query, signal, from }, toNode, {
    listed: ([first]) => set(first),
    changed: (type, seen) => set(type === "set" ? seen : undefined),
    failed,
  });
  return () => node;
}
