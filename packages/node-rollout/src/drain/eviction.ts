import { type ApiError, isApiError, type Kubernetes, segment } from "../kubernetes/kubernetes.ts";
import type { PodVerdict } from "./plan.ts";

/** What became of an eviction. Each answer of the API server has its name. */
export type EvictionOutcome =
  | { kind: "accepted" }
  /** The pod is gone, or another one has its name. */
  | { kind: "gone" }
  /** A budget has no room, or the server asks for patience. */
  | { kind: "later"; retryAfterMs?: number; message: string }
  /** It will never be accepted as things stand. */
  | { kind: "never"; message: string }
  /** Not allowed to: RBAC, or an admission policy. */
  | { kind: "forbidden"; message: string }
  /** No answer, or an error of the server: it may have been accepted. */
  | { kind: "unclear"; message: string };

type Target = PodVerdict["pod"];

/** Evicts a pod, identified by its uid: a successor of the same name is left alone. */
export async function evict(
  kubernetes: Kubernetes,
  pod: Target,
  options: { graceSeconds?: number; dryRun?: boolean; signal?: AbortSignal } = {},
): Promise<EvictionOutcome> {
  const { graceSeconds, dryRun, signal } = options;
  const body = {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name: pod.name, namespace: pod.namespace },
    deleteOptions: {
      preconditions: { uid: pod.uid },
      ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
      ...(dryRun ? { dryRun: ["All"] } : {}),
    },
  };
  try {
    await kubernetes.request({ method: "POST", path: `${pathOf(pod)}/eviction`, body, signal });
    return { kind: "accepted" };
  } catch (error) {
    signal?.throwIfAborted();
    return outcomeOf(error);
  }
}

/** Deletes a pod whatever its budgets say, with the grace that is left, at least a second. */
export async function forceDelete(
  kubernetes: Kubernetes,
  pod: Target,
  graceSeconds: number,
  signal?: AbortSignal,
): Promise<EvictionOutcome> {
  const body = {
    apiVersion: "v1",
    kind: "DeleteOptions",
    preconditions: { uid: pod.uid },
    gracePeriodSeconds: Math.max(1, Math.floor(graceSeconds)),
  };
  try {
    await kubernetes.request({ method: "DELETE", path: pathOf(pod), body, signal });
    return { kind: "accepted" };
  } catch (error) {
    signal?.throwIfAborted();
    return outcomeOf(error);
  }
}

export function pathOf({ namespace, name }: Pick<Target, "namespace" | "name">): string {
  return `/api/v1/namespaces/${segment(namespace)}/pods/${segment(name)}`;
}

/** What the eviction API says about a pod that two budgets select; its status is 500 and it has no reason. */
const twoBudgets = /more than one PodDisruptionBudget/i;

function outcomeOf(error: unknown): EvictionOutcome {
  const { message } = error as Error;
  if (!isApiError(error)) return { kind: "unclear", message };
  switch (error.code) {
    case 404:
    case 409:
      return { kind: "gone" };
    case 401:
      return { kind: "forbidden", message };
    case 403:
      return outcomeOfForbidden(error);
    case 429:
      return later(error);
    default:
      if (twoBudgets.test(message)) return { kind: "never", message };
      if (error.code < 500) return { kind: "never", message };
      return { kind: "unclear", message };
  }
}

/** 403 also means a namespace that is being deleted, with its pods, and a budget with too much on its books. */
function outcomeOfForbidden(error: ApiError): EvictionOutcome {
  const { message, causes } = error;
  if (causes.includes("NamespaceTerminating"))
    return { kind: "later", retryAfterMs: 5000, message };
  if (/disrupted ?pods|disruption/i.test(message) && !/cannot create/i.test(message)) {
    return { kind: "later", retryAfterMs: 10_000, message };
  }
  return { kind: "forbidden", message };
}

/** Without a Retry-After a budget has no room; with one the server wants to be asked again then. */
function later({ retryAfterSeconds, message }: ApiError): EvictionOutcome {
  return {
    kind: "later",
    message,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterMs: retryAfterSeconds * 1000 }),
  };
}
