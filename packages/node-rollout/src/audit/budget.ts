import type { V1PodDisruptionBudgetSpec } from "@kubernetes/client-node";

/** Pods under a budget that one controller made; a bare pod is one of its own without a controller. */
export interface Member {
  /** What identifies the controller; absent for bare pods. */
  controller?: string;
  /** The replicas that the controller is asked for; absent when it has no scale (DaemonSet, Job). */
  scale?: number;
  /** Pods of it under the budget. */
  count: number;
  /** Those of them that are Ready and not terminating. */
  healthy: number;
}

/** What the disruption controller writes into a budget's status. */
export interface BudgetStatus {
  expectedPods: number;
  desiredHealthy: number;
  currentHealthy: number;
  disruptionsAllowed: number;
  /** Why the controller cannot count, when it cannot: then it allows nothing. */
  problem?: BudgetProblem;
}

export type BudgetProblem =
  /** Neither `minAvailable` nor `maxUnavailable`, both, or a value that the API server refuses. */
  | "invalid"
  /** It must know replicas, and covers pods whose controller has none (DaemonSet, Job, some custom ones). */
  | "no-scale"
  /** It must know replicas, and covers only bare pods: those work with an integer `minAvailable` alone. */
  | "unmanaged";

/**
 * A budget's status as the disruption controller computes it: an integer `minAvailable` counts pods; a percentage and
 * any `maxUnavailable` refer to the sum of the controllers' replicas, and both round **up**.
 */
export function budgetStatus(
  spec: V1PodDisruptionBudgetSpec,
  members: readonly Member[],
): BudgetStatus {
  const currentHealthy = sum(members.map(({ healthy }) => healthy));
  const demand = demandOf(spec);
  const blocked = (problem: BudgetProblem): BudgetStatus => ({
    expectedPods: 0,
    desiredHealthy: 0,
    currentHealthy,
    disruptionsAllowed: 0,
    problem,
  });
  if (demand === undefined) return blocked("invalid");
  const counting = demand.kind === "min" && !demand.percent;
  if (!counting && members.some(hasNoScale)) return blocked("no-scale");
  const expectedPods = counting ? sum(members.map(({ count }) => count)) : scaleOf(members);
  const amount = demand.percent ? Math.ceil((demand.value * expectedPods) / 100) : demand.value;
  const desiredHealthy = demand.kind === "min" ? amount : Math.max(0, expectedPods - amount);
  const unmanaged =
    expectedPods === 0 && members.some(({ controller }) => controller === undefined);
  return {
    expectedPods,
    desiredHealthy,
    currentHealthy,
    disruptionsAllowed: expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy),
    ...(unmanaged ? { problem: "unmanaged" as const } : {}),
  };
}

interface Demand {
  kind: "min" | "max";
  value: number;
  percent: boolean;
}

/** What the budget asks for; undefined when the API server would refuse it, or when it asks for nothing. */
function demandOf({ minAvailable, maxUnavailable }: V1PodDisruptionBudgetSpec): Demand | undefined {
  const min = minAvailable ?? undefined;
  const max = maxUnavailable ?? undefined;
  if ((min === undefined) === (max === undefined)) return undefined;
  const kind = min === undefined ? "max" : "min";
  const given: unknown = min ?? max;
  if (typeof given === "number") {
    return Number.isInteger(given) && given >= 0
      ? { kind, value: given, percent: false }
      : undefined;
  }
  const [, digits] = String(given).match(/^(\d+)%$/) ?? [];
  const value = Number(digits);
  return digits !== undefined && value <= 100 ? { kind, value, percent: true } : undefined;
}

function hasNoScale({ controller, scale, count }: Member): boolean {
  return count > 0 && controller !== undefined && scale === undefined;
}

/** Every controller counts once, however many of its pods the budget covers. */
function scaleOf(members: readonly Member[]): number {
  const scales = new Map<string, number>();
  for (const { controller, scale = 0, count } of members) {
    if (controller !== undefined && count > 0) scales.set(controller, scale);
  }
  return sum([...scales.values()]);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
