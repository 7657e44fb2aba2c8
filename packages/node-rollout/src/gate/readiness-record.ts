import type { V1Node } from "@kubernetes/client-node";

/** What the gate remembers of a node, as one annotation on it, so that a restart goes on where it was. */
export interface GateRecord {
  /** The boot that the record is about, `status.nodeInfo.bootID`. */
  bootId: string;
  /** When the gate first saw that boot, ISO 8601; absent for the boot with which the node was created. */
  bootedAt?: string;
  /** When the instance was first heard of, ISO 8601: its deadline counts from there. */
  since?: string;
  /** What was decided to be told, before it is told: a restart in between must not tell the opposite. */
  verdict?: { result: "good" | "bad"; at: string };
  /** What CloudFormation was told about this node, and when. Never told twice. */
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

const results = ["good", "bad", "nobody"];

function isRecord(value: unknown): value is GateRecord {
  if (typeof value !== "object" || value === null) return false;
  const { bootId, bootedAt, since, verdict, told } = value as Partial<GateRecord>;
  const isTime = (time: unknown) => time === undefined || typeof time === "string";
  const isAnswer = (answer: GateRecord["told"] | null) =>
    answer === undefined || (answer !== null && results.includes(answer.result));
  return (
    typeof bootId === "string" &&
    isTime(bootedAt) &&
    isTime(since) &&
    isAnswer(verdict) &&
    isAnswer(told)
  );
}
