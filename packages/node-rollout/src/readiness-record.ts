import type { V1Node } from "@kubernetes/client-node";

/** What the gate remembers of a node, as one annotation on it, so that a restart goes on where it was. */
export interface GateRecord {
  /** The boot that the record is about, `status.nodeInfo.bootID`. */
  bootId: string;
  /** When the gate first saw that boot, ISO 8601; absent for the boot with which the node was created. */
  bootedAt?: string;
  /** What Auto Scaling and CloudFormation were told about this node, and when. Never told twice. */
  told?: { result: "good" | "bad" | "nobody"; at: string };
}

/** The annotation's key. */
export const gateAnnotation = "node-rollout/gate";

/** Reads the gate's record from a node; a record that somebody else has mangled counts as none. */
export function gateRecordOf(node: V1Node): GateRecord | undefined {
  const text = node.metadata?.annotations?.[gateAnnotation];
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is GateRecord {
  if (typeof value !== "object" || value === null) return false;
  const { bootId, bootedAt, told } = value as Partial<GateRecord>;
  return (
    typeof bootId === "string" &&
    (bootedAt === undefined || typeof bootedAt === "string") &&
    (told === undefined || (typeof told === "object" && told !== null))
  );
}
