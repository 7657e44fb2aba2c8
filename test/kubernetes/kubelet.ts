import { deleteObject } from "./deletion.ts";
import { type Condition, isTerminal, type KubeObject, type Pod, timestamp } from "./objects.ts";
import { resourceNamed } from "./resources.ts";
import type { Store } from "./store.ts";

const pods = resourceNamed("pods");

export interface KubeletOptions {
  /** From the binding to a node until the pod is Ready, in ms. */
  readyAfterMs?: number;
  /** From the deletion's mark until the containers have ended, in ms; at most the pod's grace. */
  stopAfterMs?: number;
}

/**
 * Stands for the kubelet of every node: pods bound to one become Ready, and pods marked for deletion end.
 *
 * @returns how to stop it; without it pods stay as they are
 */
export function runKubelet(store: Store, options: KubeletOptions = {}): () => void {
  const { readyAfterMs = 10, stopAfterMs = 10 } = options;
  const timers = new Map<string, NodeJS.Timeout>();
  const later = (job: string, delayMs: number, act: () => void) => {
    if (timers.has(job)) return;
    timers.set(
      job,
      setTimeout(() => {
        timers.delete(job);
        act();
      }, delayMs),
    );
  };
  const look = (pod: Pod) => {
    const { uid, deletionTimestamp, deletionGracePeriodSeconds: grace = 0 } = pod.metadata;
    if (!pod.spec.nodeName) return;
    if (deletionTimestamp !== undefined) {
      // A shortened grace is another job, and the earlier of the two ends the pod.
      const delayMs = Math.min(stopAfterMs, grace * 1000);
      later(`stop ${uid} ${grace}`, delayMs, () => stop(store, pod));
    } else if (pod.status.phase === "Pending") {
      later(`start ${uid}`, readyAfterMs, () => makeReady(store, pod));
    }
  };
  for (const pod of store.list(pods)) look(pod as Pod);
  const unsubscribe = store.onChange(({ resource, type, object }) => {
    if (resource === pods && type !== "DELETED") look(object as Pod);
  });
  return () => {
    unsubscribe();
    for (const timer of timers.values()) clearTimeout(timer);
  };
}

/** The pod of this uid, as it is now. */
function present(store: Store, { metadata }: KubeObject): KubeObject | undefined {
  const found = store.get(pods, metadata.namespace, metadata.name);
  return found?.metadata.uid === metadata.uid ? found : undefined;
}

function makeReady(store: Store, started: Pod): void {
  const pod = present(store, started);
  if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || isTerminal(pod)) return;
  store.put(pods, { ...pod, status: { ...pod.status, ...runningStatus(true) } });
}

/** The status of a pod that runs; `ready` is what its readiness probes say. */
export function runningStatus(ready: boolean): { phase: string; conditions: Condition[] } {
  const conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => {
    const holds = ready || !type.endsWith("Ready");
    return { type, status: holds ? "True" : "False", lastTransitionTime: timestamp() };
  });
  return { phase: "Running", conditions };
}

function stop(store: Store, marked: Pod): void {
  const pod = present(store, marked);
  if (pod === undefined) return;
  const { name, namespace, uid } = pod.metadata;
  deleteObject(
    store,
    { resource: pods, namespace, name },
    { gracePeriodSeconds: 0, preconditions: { uid: String(uid) } },
  );
}
