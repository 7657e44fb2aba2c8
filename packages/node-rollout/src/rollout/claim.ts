import { cordonPatch, nodePath } from "../drain/cordon.ts";
import { isApiError, type Kubernetes } from "../kubernetes/kubernetes.ts";
import { type Node, toNode } from "../kubernetes/objects.ts";
import { type RolloutRecord, recordText } from "./record.ts";

/** What became of a write to a node's record. */
export type RecordWrite =
  | { kind: "written"; node: Node }
  /** The node was not as it was thought to be; it is so, or gone. */
  | { kind: "overtaken"; node: Node | undefined };

/**
 * Writes a node's record, or takes it away, only if the node is still as it was seen: of two that try, one does.
 *
 * @param write.cordon also keeps new pods off the node and takes it out of the load balancers, in the same patch
 */
export async function writeRecord(
  kubernetes: Kubernetes,
  seen: { name: string; resourceVersion: string },
  write: { annotation: string; record: RolloutRecord | undefined; cordon?: boolean },
  signal?: AbortSignal,
): Promise<RecordWrite> {
  const path = nodePath(seen.name);
  const { annotation, record, cordon = false } = write;
  const { metadata, ...rest } = cordon ? cordonPatch() : { metadata: {} };
  const annotations = { [annotation]: record === undefined ? null : recordText(record) };
  const body = {
    ...rest,
    metadata: { ...metadata, resourceVersion: seen.resourceVersion, annotations },
  };
  try {
    const written = await kubernetes.request({ method: "PATCH", path, body, signal });
    return { kind: "written", node: toNode(written) };
  } catch (error) {
    if (isApiError(error, 404)) return { kind: "overtaken", node: undefined };
    if (!isApiError(error, 409)) throw error;
  }
  try {
    return { kind: "overtaken", node: toNode(await kubernetes.request({ path, signal })) };
  } catch (error) {
    if (isApiError(error, 404)) return { kind: "overtaken", node: undefined };
    throw error;
  }
}
