import type { Node } from "../kubernetes/objects.ts";
import type { NodeView } from "./machine.ts";
import { parseRecord } from "./record.ts";

/** Remembers since when each node's record is as it is: clocks of other machines prove nothing, changes do. */
export interface Sightings {
  viewOf(node: Node, instanceId: string): NodeView;
}

/** @param annotation the annotation that holds the record */
export function createSightings(annotation: string): Sightings {
  const seen = new Map<string, { text: string; since: number }>();
  return {
    viewOf({ metadata }, instanceId) {
      const { name, uid, resourceVersion, annotations } = metadata;
      const text = annotations[annotation];
      const known = seen.get(uid);
      const since = known !== undefined && known.text === text ? known.since : Date.now();
      if (text === undefined) seen.delete(uid);
      else seen.set(uid, { text, since });
      const record = parseRecord(text, instanceId);
      return { name, uid, resourceVersion, record, recordSince: since };
    },
  };
}
