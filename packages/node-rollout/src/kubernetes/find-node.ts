import { nodePath } from "../drain/cordon.ts";
import { isApiError, type Kubernetes } from "./kubernetes.ts";
import { instanceIdOfNode, toNode } from "./objects.ts";
import { listPages } from "./pages.ts";

/** The name of a node, by its name or by its EC2 instance's id; undefined when there is none. */
export async function findNode(
  kubernetes: Kubernetes,
  target: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  try {
    await kubernetes.request({ path: nodePath(target), signal });
    return target;
  } catch (error) {
    // A text that is no name is no path either: `a/b`, a dot.
    if (!isApiError(error, 404, 405)) throw error;
  }
  const { items } = await listPages(kubernetes, { path: "/api/v1/nodes", signal }, toNode);
  return items.find((item) => instanceIdOfNode(item) === target)?.metadata.name;
}
