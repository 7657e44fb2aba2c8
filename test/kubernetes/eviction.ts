import type { Budget } from "./budgets.ts";
import { deleteObject, readDeleteOptions } from "./deletion.ts";
import {
  badRequest,
  forbidden,
  notFound,
  Refusal,
  type Status,
  success,
  tooManyRequests,
} from "./failures.ts";
import { conditionIsTrue, type KubeObject, timestamp } from "./objects.ts";
import { resourceNamed } from "./resources.ts";
import { selects } from "./selectors.ts";
import type { Store } from "./store.ts";

const budgets = resourceNamed("poddisruptionbudgets");
const pods = resourceNamed("pods");
const violation = "Cannot evict pod as it would violate the pod's disruption budget.";

/**
 * Evicts a pod: deletes it when its budget allows one more disruption.
 *
 * @throws Refusal 429 when the budget does not (cause `DisruptionBudget`), 500 when two budgets select the pod
 */
export function evict(
  store: Store,
  { namespace, name, dryRun }: { namespace: string; name: string; dryRun: boolean },
  body: unknown,
): Status {
  const { apiVersion, kind, metadata, deleteOptions } = (body ?? {}) as Partial<KubeObject>;
  if (apiVersion !== "policy/v1" || kind !== "Eviction") {
    throw badRequest(`expected an Eviction of policy/v1, not ${kind} of ${apiVersion}`);
  }
  if (metadata?.name !== name)
    throw badRequest("name in URL does not match name in Eviction object");
  const options = { ...readDeleteOptions(deleteOptions, new URLSearchParams()), dryRun };
  const pod = store.get(pods, namespace, name);
  if (pod === undefined) throw notFound(pods, name);
  const budget = needsNoBudget(pod) ? undefined : budgetFor(store, pod);
  if (budget !== undefined && !mayGoUnhealthy(budget, pod)) charge(store, budget, pod, dryRun);
  // As on the server, a precondition that does not hold is found only after the budget was charged.
  deleteObject(store, { resource: pods, namespace, name }, options);
  return success(201);
}

/** Pods that serve nobody: not yet running, finished, or on their way out. */
function needsNoBudget({ metadata, status }: KubeObject): boolean {
  const phase = String(status?.["phase"]);
  return (
    metadata.deletionTimestamp !== undefined || ["Pending", "Succeeded", "Failed"].includes(phase)
  );
}

function budgetFor(store: Store, pod: KubeObject): Budget | undefined {
  if (Object.keys(pod.metadata.labels ?? {}).length === 0) return undefined;
  const found = (store.list(budgets, pod.metadata.namespace) as Budget[]).filter(({ spec }) =>
    selects(spec.selector, pod),
  );
  if (found.length > 1) {
    throw new Refusal(
      500,
      "",
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  }
  return found[0];
}

/** An unready pod may go without charge when the budget says so, or when the others suffice. */
function mayGoUnhealthy({ spec, status }: Budget, pod: KubeObject): boolean {
  if (conditionIsTrue(pod, "Ready")) return false;
  if (spec.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status;
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

function charge(store: Store, budget: Budget, pod: KubeObject, dryRun: boolean): void {
  const { name, generation = 1 } = budget.metadata;
  const { status } = budget;
  const refuse = (why: string, retryAfterSeconds: number) =>
    tooManyRequests(violation, retryAfterSeconds, [{ reason: "DisruptionBudget", message: why }]);
  if ((status.observedGeneration ?? 0) < generation) {
    throw refuse(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  const allowed = status.disruptionsAllowed ?? 0;
  if (allowed < 0) throw forbidden(budgets, name, "pdb disruptions allowed is negative");
  if (allowed === 0) {
    const { desiredHealthy, currentHealthy } = status;
    throw refuse(
      `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
      0,
    );
  }
  if (dryRun) return;
  const disruptedPods = { ...status.disruptedPods, [pod.metadata.name]: timestamp() };
  store.put(budgets, {
    ...budget,
    status: { ...status, disruptionsAllowed: allowed - 1, disruptedPods },
  });
}
