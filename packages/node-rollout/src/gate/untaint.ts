import { nodePath } from "../drain/cordon.ts";
import { isApiError, type Kubernetes } from "../kubernetes/kubernetes.ts";
import { type Node, type Taint, toNode } from "../kubernetes/objects.ts";
import { type GateRecord, gateAnnotation } from "./readiness-record.ts";

/** What is to be different about a node. */
export interface NodeChange {
  taints?: Taint[];
  record?: GateRecord;
}

/**
 * Changes a node's taints and record in one patch. Taints are one value to the API server, so the patch names the
 * version that it was made from: what others have written meanwhile is read and kept, never overwritten.
 *
 * @param change gives the change for the node as it is; nothing when there is none to make
 * @returns the node afterwards; undefined when there is no such node any more
 */
export async function changeNode(
  kubernetes: Kubernetes,
  node: Node,
  change: (node: Node) => NodeChange | undefined,
  signal?: AbortSignal,
): Promise<Node | undefined> {
  const path = nodePath(node.metadata.name);
  let current = node;
  for (;;) {
    const wanted = change(current);
    if (wanted === undefined) return current;
    try {
      const body = patchOf(current, wanted);
      return toNode(await kubernetes.request({ method: "PATCH", path, body, signal }));
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      if (!isApiError(error, 409)) throw error;
    }
    try {
      current = toNode(await kubernetes.request({ path, signal }));
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      throw error;
    }
    if (current.metadata.uid !== node.metadata.uid) return undefined;
  }
}

function patchOf({ metadata }: Node, { taints, record }: NodeChange): object {
  const { uid, resourceVersion } = metadata;
  const annotations = record && { [gateAnnotation]: JSON.stringify(record) };
  return {
    metadata: { uid, resourceVersion, ...(annotations && { annotations }) },
    ...(taints && { spec: { taints } }),
  };
}

/** The taints without those of a key, whatever their effect; undefined when there are none of it. */
export function withoutTaint(taints: readonly Taint[], key: string): Taint[] | undefined {
  return hasTaint(taints, key) ? taints.filter((taint) => taint.key !== key) : undefined;
}

/** The taints with one more; undefined when it is there. */
export function withTaint(taints: readonly Taint[], key: string): Taint[] | undefined {
  return hasTaint(taints, key) ? undefined : [...taints, { key, effect: "NoSchedule" }];
}

export function hasTaint(taints: readonly Taint[], key: string): boolean {
  return taints.some((taint) => taint.key === key);
}
