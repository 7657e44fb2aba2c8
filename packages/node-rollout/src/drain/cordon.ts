import { type Kubernetes, segment } from "../kubernetes/kubernetes.ts";
import { type Node, toNode } from "../kubernetes/objects.ts";

/** Takes a node out of the load balancers of Services; cordoning alone does not. Any value but "false" counts. */
export const excludeLabel = "node.kubernetes.io/exclude-from-external-load-balancers";

export function nodePath(name: string): string {
  return `/api/v1/nodes/${segment(name)}`;
}

/** What cordons a node and takes it out of the load balancers, as one merge patch. */
export function cordonPatch(): { metadata: object; spec: object } {
  return { metadata: { labels: { [excludeLabel]: "true" } }, spec: { unschedulable: true } };
}

/** Keeps new pods off a node and takes it out of the load balancers of Services; gives the node as it is then. */
export async function cordon(
  kubernetes: Kubernetes,
  name: string,
  signal?: AbortSignal,
): Promise<Node> {
  const path = nodePath(name);
  return toNode(await kubernetes.request({ method: "PATCH", path, body: cordonPatch(), signal }));
}
