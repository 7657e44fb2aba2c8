import { isApiError, type Kubernetes } from "../kubernetes/kubernetes.ts";
import { toPod } from "../kubernetes/objects.ts";
import { type EvictionOutcome, evict, forceDelete, pathOf } from "./eviction.ts";
import type { DrainDecision, DrainMachine } from "./machine.ts";
import type { PodVerdict } from "./plan.ts";
import type { DrainProgress } from "./progress.ts";

export interface StepContext {
  kubernetes: Kubernetes;
  machine: DrainMachine;
  signal: AbortSignal;
  tell(event: DrainProgress): void;
}

/** Starts what was decided, without waiting for it; each answer goes back to the machine. */
export function takeSteps({ evict, force, look }: DrainDecision, context: StepContext): void {
  for (const verdict of evict) settle(evictPod(verdict, context), context);
  for (const verdict of force) settle(forcePod(verdict, context), context);
  for (const pod of look) settle(lookAt(pod, context), context);
}

/** These only fail when the drain ends. */
function settle(step: Promise<void>, { signal, tell }: StepContext): void {
  step.catch((error: unknown) => {
    if (!signal.aborted) tell({ type: "failed", error });
  });
}

async function evictPod({ pod, graceSeconds }: PodVerdict, context: StepContext): Promise<void> {
  const { kubernetes, signal } = context;
  const outcome = await evict(kubernetes, pod, { graceSeconds, signal });
  report(pod, outcome, "evicted", context);
}

async function forcePod({ pod, graceSeconds }: PodVerdict, context: StepContext): Promise<void> {
  const { kubernetes, signal } = context;
  const outcome = await forceDelete(kubernetes, pod, graceSeconds, signal);
  report(pod, outcome, "forced", context);
}

function report(
  pod: PodVerdict["pod"],
  outcome: EvictionOutcome,
  done: "evicted" | "forced",
  { machine, tell }: StepContext,
): void {
  machine.answered(pod.uid, outcome, Date.now());
  if (outcome.kind === "accepted") tell({ type: done, pod });
  else tell({ type: "refused", pod, outcome });
}

/** An eviction without an answer may have been accepted. Sending it again would shorten the pod's grace. */
async function lookAt(pod: PodVerdict["pod"], context: StepContext): Promise<void> {
  const { kubernetes, machine, signal } = context;
  try {
    const found = toPod(await kubernetes.request({ path: pathOf(pod), signal }));
    if (found.metadata.uid !== pod.uid) return machine.gone(pod.uid);
    machine.seen(found);
    machine.looked(pod.uid);
  } catch (error) {
    signal.throwIfAborted();
    if (isApiError(error, 404)) machine.gone(pod.uid);
    else {
      const { message } = error as Error;
      machine.answered(pod.uid, { kind: "unclear", message }, Date.now());
    }
  }
}
