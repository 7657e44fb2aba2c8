import type { Node } from "../kubernetes/objects.ts";
import type { Change } from "./changes.ts";
import type { GateContext } from "./context.ts";
import { followDaemonPods, type PodsOnNode } from "./pods.ts";
import { evaluateReadiness, type Readiness, type ReadinessRule } from "./readiness.ts";
import { changeNode } from "./untaint.ts";

/** The node of one instance at the gate, as the watch tells of it and as we have left it. */
export interface PassageNode {
  now(): Node | undefined;
  readiness(node: Node): Readiness;
  change(wanted: Change): Promise<void>;
  close(): void;
}

export function followPassageNode(instanceId: string, context: GateContext): PassageNode {
  const { kubernetes, readiness: rule, nodes, signal } = context;
  let pods: { node: string; following: PodsOnNode } | undefined;
  /** As we have just left it; the watch tells of that a moment later. */
  let changed: Node | undefined;

  function now(): Node | undefined {
    const node = nodes.find(instanceId);
    if (changed !== undefined && !isBehind(node, changed)) changed = undefined;
    return changed ?? node;
  }

  function podsOn({ metadata: { name } }: Node): object[] | undefined {
    if ((rule.daemonSets ?? []).length === 0) return [];
    if (pods?.node !== name) {
      pods?.following.stop();
      const failed = (error: unknown) =>
        context.tell({ type: "failed", what: `follow the pods of ${name}`, error });
      const following = followDaemonPods(kubernetes, name, {
        signal,
        changed: context.wake,
        failed,
      });
      pods = { node: name, following };
    }
    return pods.following.current();
  }

  return {
    now,
    readiness: (node) => evaluateReadiness(node, rule as ReadinessRule, new Date(), podsOn(node)),
    async change(wanted) {
      const node = now();
      if (node !== undefined) changed = await changeNode(kubernetes, node, wanted, signal);
    },
    close: () => pods?.following.stop(),
  };
}

/** The same node as before a change of ours. */
function isBehind(node: Node | undefined, changed: Node): boolean {
  return (
    node?.metadata.uid === changed.metadata.uid &&
    Number(node.metadata.resourceVersion) < Number(changed.metadata.resourceVersion)
  );
}
