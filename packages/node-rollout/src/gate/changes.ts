import type { Node } from "../kubernetes/objects.ts";
import { type GateRecord, gateRecordOf } from "./readiness-record.ts";
import { hasTaint, type NodeChange, withoutTaint, withTaint } from "./untaint.ts";

/** Gives a change for a node as it is at the moment of writing; nothing when there is none to make. */
export type Change = (node: Node) => NodeChange | undefined;

type Told = NonNullable<GateRecord["told"]>;

/** Writes down the node's boot, and since when it is waited for. */
export function noteBoot(since: number, told: Told | undefined): Change {
  return (node) => ({
    record: {
      since: new Date(since).toISOString(),
      ...(told && { told }),
      ...recordOf(node),
      bootId: node.status.nodeInfo.bootID,
    },
  });
}

/** Puts a node that has booted again back behind the taint. What was, or may have been, told stays so. */
export function taintAgain(taint: string, at: string): Change {
  return (node) => {
    const { verdict, told } = recordOf(node) ?? {};
    const taints = withTaint(node.spec.taints, taint);
    const record = {
      ...{ bootId: node.status.nodeInfo.bootID, bootedAt: at },
      ...(verdict && { verdict }),
      ...(told && { told }),
    };
    return { record, ...(taints && { taints }) };
  };
}

/** @param nobody the record is closed, too: there is nobody to tell */
export function untaint(taint: string, nobody: Told | undefined): Change {
  return (node) => {
    const record = recordOf(node);
    const taints = withoutTaint(node.spec.taints, taint);
    const closed = nobody && record && record.told === undefined;
    if (taints === undefined && !closed) return undefined;
    return { ...(taints && { taints }), ...(closed && { record: { ...record, told: nobody } }) };
  };
}

/**
 * Writes down what will be told. A verdict that is there stands: another replica may have told it by now.
 *
 * @param isRepeated it was told before, and this is for a hook that came later: then the new one counts
 */
export function noteVerdict(result: "good" | "bad", at: string, isRepeated: boolean): Change {
  return (node) => {
    const record = recordOf(node);
    if (record === undefined || record.verdict?.result === result) return undefined;
    if (record.verdict !== undefined && !isRepeated) return undefined;
    return { record: { ...record, verdict: { result, at } } };
  };
}

/** Writes down what has been told. */
export function noteTold(told: Told): Change {
  return (node) => {
    const record = recordOf(node);
    if (record === undefined || record.told !== undefined) return undefined;
    return { record: { ...record, told } };
  };
}

/** A node that the gate has to do with: behind the taint, its answer still owed, or booted again. */
export function isGated(node: Node, startupTaint: string): boolean {
  const record = recordOf(node);
  if (hasTaint(node.spec.taints, startupTaint)) return true;
  if (record === undefined) return false;
  const { bootID } = node.status.nodeInfo;
  return record.told === undefined || (bootID !== "" && record.bootId !== bootID);
}

export function recordOf(node: Node): GateRecord | undefined {
  return gateRecordOf(node as object);
}
