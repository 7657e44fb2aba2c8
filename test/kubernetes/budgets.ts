import { isDeepStrictEqual } from "node:util";
import {
  type Condition,
  conditionIsTrue,
  controllerOf,
  type Fields,
  type KubeObject,
  timestamp,
} from "./objects.ts";
import { resourceNamed, resourceOfKind } from "./resources.ts";
import { type LabelSelector, selects } from "./selectors.ts";
import type { Store } from "./store.ts";

export interface Budget extends KubeObject {
  spec: Fields & {
    minAvailable?: number | string;
    maxUnavailable?: number | string;
    selector?: LabelSelector;
    unhealthyPodEvictionPolicy?: "IfHealthyBudget" | "AlwaysAllow";
  };
  status: Fields & Partial<BudgetStatus>;
}

export interface BudgetStatus {
  observedGeneration: number;
  currentHealthy: number;
  desiredHealthy: number;
  disruptionsAllowed: number;
  expectedPods: number;
  /** Pods whose eviction was granted and that the controller has not yet seen end. */
  disruptedPods?: Record<string, string>;
  conditions: Condition[];
}

const budgets = resourceNamed("poddisruptionbudgets");
const pods = resourceNamed("pods");

/** Keeps the status of every PodDisruptionBudget true, as the disruption controller does. @returns how to stop it */
export function runBudgetController(store: Store): () => void {
  let planned: NodeJS.Immediate | undefined;
  const unsubscribe = store.onChange(({ resource }) => {
    if (resource !== pods && resource !== budgets && resource.group !== "apps") return;
    planned ??= setImmediate(() => {
      planned = undefined;
      updateBudgets(store);
    });
  });
  return () => {
    unsubscribe();
    clearImmediate(planned);
  };
}

function updateBudgets(store: Store): void {
  for (const object of store.list(budgets)) {
    const budget = object as Budget;
    const status = statusOf(store, budget);
    const { conditions: before, ...rest } = budget.status;
    const { conditions: after, ...computed } = status;
    const same =
      isDeepStrictEqual({ ...rest }, computed) && before?.[0]?.status === after[0]?.status;
    if (!same) store.put(budgets, { ...budget, status: { ...status } });
  }
}

/** The status that a budget deserves by the pods of this moment. */
export function statusOf(store: Store, budget: Budget): BudgetStatus {
  const { namespace = "", generation = 1 } = budget.metadata;
  const selected = store
    .list(pods, namespace)
    .filter((pod) => selects(budget.spec.selector, pod))
    .filter((pod) => !["Succeeded", "Failed"].includes(String(pod.status?.["phase"])));
  const living = selected.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const granted = Object.entries(budget.status.disruptedPods ?? {}).filter(([name]) =>
    living.some(({ metadata }) => metadata.name === name),
  );
  const disrupted = new Set(granted.map(([name]) => name));
  const currentHealthy = living.filter(
    (pod) => !disrupted.has(pod.metadata.name) && conditionIsTrue(pod, "Ready"),
  ).length;
  const { expectedPods, desiredHealthy } = expectationOf(store, budget, selected);
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const allowed = disruptionsAllowed > 0;
  return {
    observedGeneration: generation,
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed,
    expectedPods,
    ...(granted.length === 0 ? {} : { disruptedPods: Object.fromEntries(granted) }),
    conditions: [
      {
        type: "DisruptionAllowed",
        status: allowed ? "True" : "False",
        reason: allowed ? "SufficientPods" : "InsufficientPods",
        message: "",
        lastTransitionTime: timestamp(),
        observedGeneration: generation,
      },
    ],
  };
}

/** How many pods there should be, and how many of them must be healthy. */
function expectationOf(store: Store, { spec }: Budget, selected: KubeObject[]) {
  const { minAvailable, maxUnavailable } = spec;
  // A plain minimum counts the pods there are; everything else asks their controllers.
  if (typeof minAvailable === "number") {
    return { expectedPods: selected.length, desiredHealthy: minAvailable };
  }
  const expectedPods = scaleOf(store, selected);
  if (maxUnavailable !== undefined) {
    return {
      expectedPods,
      desiredHealthy: Math.max(0, expectedPods - countOf(maxUnavailable, expectedPods)),
    };
  }
  return { expectedPods, desiredHealthy: countOf(minAvailable ?? 1, expectedPods) };
}

/** A number, or a percentage of the whole, rounded up. */
function countOf(value: number | string, whole: number): number {
  return typeof value === "number" ? value : Math.ceil((Number.parseFloat(value) * whole) / 100);
}

/** The replicas that the pods' controllers want; a ReplicaSet of a Deployment counts by its Deployment. */
function scaleOf(store: Store, selected: KubeObject[]): number {
  const scales = new Map<string, number>();
  for (const pod of selected) {
    let owner = findController(store, pod);
    const above = owner === undefined ? undefined : findController(store, owner);
    owner = above ?? owner;
    if (owner !== undefined) {
      scales.set(String(owner.metadata.uid), Number(owner.spec?.["replicas"] ?? 1));
    }
  }
  return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
}

function findController(store: Store, object: KubeObject): KubeObject | undefined {
  const reference = controllerOf(object);
  const resource = reference && resourceOfKind(reference.apiVersion, reference.kind);
  if (reference === undefined || resource === undefined) return undefined;
  const found = store.get(resource, object.metadata.namespace, reference.name);
  return found?.metadata.uid === reference.uid ? found : undefined;
}
