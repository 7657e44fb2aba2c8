import { evaluateReadiness, type ReadinessRule } from "../gate/readiness.ts";
import type { Kubernetes } from "../kubernetes/kubernetes.ts";
import { instanceIdOfNode, type Node, toNode } from "../kubernetes/objects.ts";
import { listPages } from "../kubernetes/pages.ts";
import { parseRecord } from "../rollout/record.ts";
import type { Wait } from "../wait.ts";

/** A node in hand: one whose instance ends, or one that waits at the readiness gate. */
export interface NodeStatus {
  node: string;
  instanceId: string;
  /** What is done with it: `draining`, `completing`, `gated`, … */
  phase: string;
  /** Since when it is in hand. */
  since?: Date;
  /** The process that works on it; none after one handed over and before the next takes it. */
  holder?: string;
  /** When the holder last wrote, by its clock. */
  renewedAt?: Date;
  waits: Wait[];
}

export interface StatusOptions {
  recordAnnotation: string;
  startupTaint: string;
  /** The readiness rule, to say what a gated node lacks. */
  rule?: ReadinessRule | undefined;
}

/** Reads what every replica has written on the nodes: the cluster is all that has to be reached. */
export async function readStatus(
  kubernetes: Kubernetes,
  options: StatusOptions,
  signal?: AbortSignal,
): Promise<NodeStatus[]> {
  const { items } = await listPages(kubernetes, { path: "/api/v1/nodes", signal }, toNode);
  return items
    .flatMap((node) => statusOf(node, options, new Date()) ?? [])
    .toSorted((a, b) => (a.since?.getTime() ?? 0) - (b.since?.getTime() ?? 0));
}

/** One node's status; undefined for a node that is not in hand. A node that ends is not gated any more. */
export function statusOf(node: Node, options: StatusOptions, now: Date): NodeStatus | undefined {
  return endingOf(node, options) ?? gatedOf(node, options, now);
}

function endingOf(node: Node, { recordAnnotation }: StatusOptions): NodeStatus | undefined {
  const { name, annotations } = node.metadata;
  const instanceId = instanceIdOfNode(node);
  if (instanceId === undefined) return undefined;
  const record = parseRecord(annotations[recordAnnotation], instanceId);
  if (record === undefined) return undefined;
  const { startedAt, renewedAt, holder, phase = "draining", waits = [] } = record;
  return {
    ...{ node: name, instanceId, phase: holder === undefined ? "handed over" : phase },
    since: new Date(startedAt),
    ...(holder === undefined ? {} : { holder }),
    renewedAt: new Date(renewedAt),
    waits,
  };
}

function gatedOf(node: Node, { startupTaint, rule }: StatusOptions, now: Date) {
  const { name, creationTimestamp } = node.metadata;
  if (!node.spec.taints.some(({ key }) => key === startupTaint)) return undefined;
  const since = creationTimestamp === undefined ? now : new Date(creationTimestamp);
  const lacks = rule === undefined ? [] : evaluateReadiness(node, rule, now).reasons;
  const waits = lacks
    .filter(({ ok }) => !ok)
    .map(({ condition, message }): Wait => {
      return {
        code: "readiness",
        object: `Node ${name}`,
        since,
        message: `${condition}: ${message}`,
      };
    });
  return { node: name, instanceId: instanceIdOfNode(node) ?? "", phase: "gated", since, waits };
}
