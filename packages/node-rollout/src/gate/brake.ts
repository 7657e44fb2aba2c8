import type { Node } from "../kubernetes/objects.ts";
import { wholeSecond } from "../time.ts";
import { isKeptOffBy, type UnplaceablePod } from "./pods.ts";

/** What the brake of a group is decided from. */
export interface BrakeState {
  group: string;
  /** Instances of the group whose nodes drain now. */
  draining: readonly string[];
  maxDraining: number;
  /** Pods without a place, in the whole cluster. */
  unplaceable: readonly UnplaceablePod[];
  /** When the group's rollout began, in milliseconds: pods from before are not of its making. */
  rollingSince: number | undefined;
  /** Nodes that are ready and still carry the startup taint. */
  gated: readonly Node[];
  startupTaint: string;
}

/**
 * Why the group should not go on with its next nodes now; undefined when it may. A pod that may only lack the room
 * behind our own taint is no reason: to hold the signal for it would hold the taint for it.
 */
export function brakeOf(state: BrakeState): string | undefined {
  const { group, draining, maxDraining, unplaceable, rollingSince, gated, startupTaint } = state;
  if (draining.length > maxDraining) {
    return `${draining.length} nodes of ${group} still drain, at most ${maxDraining} may`;
  }
  if (rollingSince === undefined) return undefined;
  const stuck = unplaceable.filter(
    (pod) =>
      pod.createdAt >= wholeSecond(rollingSince) &&
      !gated.some((node) => isKeptOffBy(startupTaint, pod, node)),
  );
  const [first] = stuck;
  if (first === undefined) return undefined;
  const others = stuck.length > 1 ? ` and ${stuck.length - 1} more` : "";
  return `no node has room for pod ${first.namespace}/${first.name}${others}`;
}
