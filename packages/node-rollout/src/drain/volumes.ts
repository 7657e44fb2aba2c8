import type { Kubernetes } from "../kubernetes/kubernetes.ts";
import { listPages } from "../kubernetes/pages.ts";

interface Attachment {
  spec?: { nodeName?: string; source?: { persistentVolumeName?: string } };
}

/**
 * The volumes still attached to a node. A pod that moved elsewhere cannot start before its volume is
 * detached, and a node that goes with volumes attached holds them for minutes.
 */
export async function attachedVolumes(
  kubernetes: Kubernetes,
  node: string,
  signal: AbortSignal,
): Promise<string[]> {
  const path = "/apis/storage.k8s.io/v1/volumeattachments";
  const { items } = await listPages(kubernetes, { path, signal }, (object) => {
    const { spec } = object as Attachment;
    return spec?.nodeName === node ? (spec.source?.persistentVolumeName ?? "inline") : undefined;
  });
  return items.filter((name) => name !== undefined);
}
