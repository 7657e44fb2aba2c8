import { isApiError, type Kubernetes } from "../kubernetes/kubernetes.ts";
import { toPod } from "../kubernetes/objects.ts";
import { type EvictionOutcome, evict, forceDelete, pathOf } from "./eviction.ts";
import type { DrainDecision, DrainMachine } from "./machine.ts";
import type { PodVerdict } from "./plan.ts";
import type { DrainProgress } from "./progress.ts";

export interface StepContext {
  kubernetes: Kubernetes;
  machine: DrainMachine;
  /** Aborts when the drain ends. */
  signal: AbortSignal;
  /** Resolves when a request may be sent; rejects when the drain ends. */
  turn(): Promise<void>;
  tell(event: DrainProgress): void;
}

/** Carries out what a drain machine decides. */
export interface Steps {
  /** Starts what was decided, without waiting for it; each answer goes back to the machine. */
  take(decision: DrainDecision): void;
  /** To be called when the drain has ended: resolves when nothing is under way any more. */
  ended(): Promise<void>;
}

type Target = PodVerdict["pod"];

/**
 * How long the answer to an eviction is waited for after its drain has ended. The API server gives up an eviction
 * whose client hangs up, and may leave it on its budget's books for two minutes.
 */
const answerMs = 5000;

export function createSteps(context: StepContext): Steps {
  const { kubernetes, machine, signal, turn, tell } = context;
  const underWay = new Set<Promise<void>>();
  const enough = new AbortController();

  /** A step fails only when the drain ends: its budget, which others share, is told that no answer comes. */
  function begin({ uid }: Target, act: () => Promise<void>): void {
    const step = turn()
      .then(act)
      .catch((error: unknown) => {
        machine.answered(uid, { kind: "unclear", message: (error as Error).message }, Date.now());
        if (!signal.aborted) tell({ type: "failed", error });
      })
      .finally(() => underWay.delete(step));
    underWay.add(step);
  }

  async function evictPod({ pod, graceSeconds }: PodVerdict): Promise<void> {
    machine.sent(pod.uid, Date.now());
    report(pod, await evict(kubernetes, pod, { graceSeconds, signal: enough.signal }), "evicted");
  }

  async function forcePod({ pod, graceSeconds }: PodVerdict): Promise<void> {
    report(pod, await forceDelete(kubernetes, pod, graceSeconds, enough.signal), "forced");
  }

  function report(pod: Target, outcome: EvictionOutcome, done: "evicted" | "forced"): void {
    machine.answered(pod.uid, outcome, Date.now());
    tell(outcome.kind === "accepted" ? { type: done, pod } : { type: "refused", pod, outcome });
  }

  /** An eviction without an answer may have been accepted. Sending it again would shorten the pod's grace. */
  async function lookAt(pod: Target): Promise<void> {
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

  return {
    take({ evict, force, look }) {
      for (const verdict of evict) begin(verdict.pod, () => evictPod(verdict));
      for (const verdict of force) begin(verdict.pod, () => forcePod(verdict));
      for (const pod of look) begin(pod, () => lookAt(pod));
    },
    async ended() {
      const timer = setTimeout(() => enough.abort(), answerMs);
      await Promise.all(underWay);
      clearTimeout(timer);
    },
  };
}
