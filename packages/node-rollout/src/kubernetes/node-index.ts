import { follow } from "./follow.ts";
import type { Kubernetes } from "./kubernetes.ts";
import { instanceIdOfNode, type Node, toNode } from "./objects.ts";

/** The cluster's nodes by the EC2 instances behind them, kept current without a call to EC2. */
export interface NodeIndex {
  /** Resolves when they are known for the first time. */
  ready: Promise<void>;
  find(instanceId: string): Node | undefined;
  /** Every node with an instance behind it, by that instance's id. */
  all(): ReadonlyMap<string, Node>;
  /** Calls back at every change until the signal aborts. */
  onChange(listener: () => void, signal: AbortSignal): void;
  /** Resolves with an instance's node as soon as there is one, or with undefined when the signal aborts. */
  wait(instanceId: string, signal: AbortSignal): Promise<Node | undefined>;
}

/** Follows the nodes until the signal aborts. */
export function followNodes(
  kubernetes: Kubernetes,
  options: { signal: AbortSignal; failed(error: unknown): void },
): NodeIndex {
  const { signal, failed } = options;
  const nodes = new Map<string, Node>();
  const changed = new EventTarget();
  const known = Promise.withResolvers<void>();
  const notify = () => changed.dispatchEvent(new Event("change"));
  const set = (node: Node) => {
    const id = instanceIdOfNode(node);
    if (id !== undefined) nodes.set(id, node);
  };
  void follow(kubernetes, { path: "/api/v1/nodes", signal }, toNode, {
    listed(items) {
      nodes.clear();
      for (const node of items) set(node);
      known.resolve();
      notify();
    },
    changed(type, node) {
      if (type === "set") set(node);
      else nodes.delete(instanceIdOfNode(node) ?? "");
      notify();
    },
    failed,
  });
  const find = (instanceId: string) => nodes.get(instanceId);
  return {
    ready: known.promise,
    find,
    all: () => nodes,
    onChange: (listener, signal) => changed.addEventListener("change", listener, { signal }),
    wait: (instanceId, signal) =>
      new Promise((resolve) => {
        const look = () => {
          const node = find(instanceId);
          if (node === undefined && !signal.aborted) return;
          changed.removeEventListener("change", look);
          signal.removeEventListener("abort", look);
          resolve(node);
        };
        changed.addEventListener("change", look);
        signal.addEventListener("abort", look);
        look();
      }),
  };
}
