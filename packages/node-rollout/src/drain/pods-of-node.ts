import { follow } from "../kubernetes/follow.ts";
import type { Kubernetes } from "../kubernetes/kubernetes.ts";
import { type Pod, toPod } from "../kubernetes/objects.ts";
import { listPages } from "../kubernetes/pages.ts";
import type { DrainMachine } from "./machine.ts";

/** What became known of a node's pods. */
export interface PodNews {
  gone(pod: Pod): void;
  changed(): void;
  failed(error: unknown): void;
}

/** A node's pods, told to a drain machine as they change. */
export interface PodsOfNode {
  /** Resolves when they are known for the first time. */
  ready: Promise<void>;
  /** When something was last heard of them, in milliseconds. */
  heardAt(): number;
  /** Reads them once more, consistently; true when the watch had not told all of it. */
  list(): Promise<boolean>;
}

/** Follows the pods that are bound to a node until the signal aborts. */
export function followPodsOf(
  node: string,
  context: { kubernetes: Kubernetes; machine: DrainMachine; signal: AbortSignal; news: PodNews },
): PodsOfNode {
  const { kubernetes, machine, signal, news } = context;
  const request = {
    path: "/api/v1/pods",
    query: { fieldSelector: `spec.nodeName=${node}` },
    signal,
  };
  const here = new Map<string, Pod>();
  const first = Promise.withResolvers<void>();
  let heardAt = Date.now();

  const listed = (pods: Pod[]) => {
    heardAt = Date.now();
    machine.listed(pods);
    const uids = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const pod of here.values()) if (!uids.has(pod.metadata.uid)) leave(pod);
    for (const pod of pods) here.set(pod.metadata.uid, pod);
    first.resolve();
    news.changed();
  };
  const isKnown = ({ metadata: { uid, resourceVersion } }: Pod) =>
    here.get(uid)?.metadata.resourceVersion === resourceVersion;
  const leave = (pod: Pod) => {
    if (here.delete(pod.metadata.uid)) news.gone(pod);
  };

  void follow(kubernetes, request, toPod, {
    listed,
    changed(type, pod) {
      heardAt = Date.now();
      if (type === "set") {
        here.set(pod.metadata.uid, pod);
        machine.seen(pod);
      } else {
        machine.gone(pod.metadata.uid);
        leave(pod);
      }
      news.changed();
    },
    failed: news.failed,
  });
  return {
    ready: first.promise,
    heardAt: () => heardAt,
    async list() {
      const { items } = await listPages(kubernetes, request, toPod);
      const isNews = items.length !== here.size || !items.every(isKnown);
      listed(items);
      return isNews;
    },
  };
}
