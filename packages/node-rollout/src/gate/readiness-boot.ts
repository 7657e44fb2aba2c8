import type { V1Node } from "@kubernetes/client-node";
import { instantOf } from "../time.ts";
import { gateRecordOf } from "./readiness-record.ts";

/** Since when a node runs, as far as its object tells. */
export interface Boot {
  /** No report from before this instant counts, in milliseconds. */
  at?: number;
  /** It was created earlier and booted again at `at`. */
  again: boolean;
  /** It booted again and nobody has noted when: every report may be from before. */
  unseen: boolean;
}

/**
 * A Node carries an id of its boot but no time of it, so the gate notes when it first saw the id
 * ({@link gateRecordOf}). Without such a note the node's creation is all that is known.
 */
export function bootOf(node: V1Node): Boot {
  const created = instantOf(node.metadata?.creationTimestamp);
  const record = gateRecordOf(node);
  const id = node.status?.nodeInfo?.bootID;
  const unseen = record !== undefined && Boolean(id) && record.bootId !== id;
  const booted = instantOf(record?.bootedAt);
  const at = Math.max(created ?? 0, booted ?? 0);
  return {
    ...(at === 0 ? {} : { at }),
    again: booted !== undefined && booted > (created ?? 0),
    unseen,
  };
}
