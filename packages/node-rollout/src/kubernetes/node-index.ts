import { follow } from "./follow.ts";
import type { Kubernetes } from "./kubernetes.ts";
import { instanceIdOfNode, type Node, toNode } from "./objects.ts";

/** The cluster's nodes by the EC2 instances behind them, kept current without a call to EC2. */
export interface NodeIndex {
  /** Resolves when they are known for the first time. */
  ready: Promise<void>;
  /** Whether news come now; what has been known before may be old otherwise. */
  isFollowed(): boolean;
  find(instanceId: string): Node | undefined;
  /** Every node with an instance behind it, by that instance's id. */
  all(): ReadonlyMap<string, Node>;
  /** Calls back at every change until the signal aborts. */
  onChange(listener: () => void, signal: AbortSignal): void;
  /** The same for one instance's node: of a thousand nodes in hand each asks after its own. */
  onChangeOf(instanceId: string, listener: () => void, signal: AbortSignal): void;
}

/** Follows the nodes until the signal aborts. */
export function followNodes(
  kubernetes: Kubernetes,
  options: { signal: AbortSignal; failed(error: unknown): void; answered(): void },
): NodeIndex {
  const { signal, failed, answered } = options;
  const nodes = new Map<string, Node>();
  const changed = new EventTarget();
  const known = Promise.withResolvers<void>();
  let isFollowed = false;
  const listen = (type: string, listener: () => void, signal: AbortSignal) =>
    changed.addEventListener(type, listener, { signal });
  const notify = (...instanceIds: string[]) => {
    for (const id of instanceIds) changed.dispatchEvent(new Event(`instance ${id}`));
    changed.dispatchEvent(new Event("any"));
  };
  void follow(kubernetes, { path: "/api/v1/nodes", signal }, toNode, {
    listed(items) {
      const before = [...nodes.keys()];
      nodes.clear();
      for (const node of items) {
        const id = instanceIdOfNode(node);
        if (id !== undefined) nodes.set(id, node);
      }
      known.resolve();
      notify(...new Set([...before, ...nodes.keys()]));
    },
    changed(type, node) {
      const id = instanceIdOfNode(node);
      if (id === undefined) return;
      if (type === "set") nodes.set(id, node);
      // The instance may have registered anew under another name: the old object's end is not the node's.
      else if (nodes.get(id)?.metadata.uid === node.metadata.uid) nodes.delete(id);
      notify(id);
    },
    failed(error) {
      isFollowed = false;
      failed(error);
    },
    answered() {
      isFollowed = true;
      answered();
    },
  });
  return {
    ready: known.promise,
    isFollowed: () => isFollowed,
    find: (instanceId) => nodes.get(instanceId),
    all: () => nodes,
    onChange: (listener, signal) => listen("any", listener, signal),
    onChangeOf: (id, listener, signal) => listen(`instance ${id}`, listener, signal),
  };
}
