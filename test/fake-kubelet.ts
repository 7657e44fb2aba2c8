import { ApiError, type Client } from "./cluster/client.ts";
import type { Pod } from "./cluster/namespace.ts";
import { collectionPath } from "./cluster/paths.ts";

export interface FakeKubeletOptions {
  /** Only pods of this namespace. @default all */
  namespace?: string;
  /** Only pods on these nodes. @default every pod that has a node */
  nodes?: readonly string[];
  /** From a pod's binding to Ready, in milliseconds. @default 0 */
  readyAfter?: number;
  /** From a pod's deletion to its end, in milliseconds, at most its grace. @default its whole grace */
  shutdown?: number;
}

export interface FakeKubelet extends AsyncDisposable {
  /** Does nothing more: its nodes are as good as partitioned. Rejects with what went wrong meanwhile. */
  stop(): Promise<void>;
}

/** Does for pods what a kubelet would: makes those Ready that have a node, and ends those that are deleted. */
export function startFakeKubelet(client: Client, options: FakeKubeletOptions = {}): FakeKubelet {
  const { namespace, nodes, readyAfter = 0, shutdown = Number.POSITIVE_INFINITY } = options;
  const pods = collectionPath("v1", "pods", namespace);
  const stopping = new AbortController();
  const timers = new Map<string, NodeJS.Timeout>();
  const failures: unknown[] = [];

  const later = (key: string, delay: number, act: () => Promise<unknown>) => {
    if (timers.has(key)) return;
    const run = () => act().catch((error) => isOutdated(error) || failures.push(error));
    timers.set(key, setTimeout(run, delay));
  };
  const look = (pod: Pod) => {
    const {
      name,
      namespace: where,
      uid,
      deletionTimestamp,
      deletionGracePeriodSeconds,
    } = pod.metadata;
    const path = `${collectionPath("v1", "pods", where)}/${name}`;
    const { nodeName } = pod.spec;
    if (!nodeName || (nodes !== undefined && !nodes.includes(nodeName))) return;
    if (deletionTimestamp !== undefined) {
      const grace = Number(deletionGracePeriodSeconds) * 1000;
      const ending = { gracePeriodSeconds: 0, preconditions: { uid } };
      later(`end ${uid}`, Math.min(shutdown, grace), () => client.request("DELETE", path, ending));
    } else if (pod.status.phase === "Pending") {
      const status = running(uid);
      later(`start ${uid}`, readyAfter, () => client.request("PATCH", `${path}/status`, status));
    }
  };
  const follow = async () => {
    while (!stopping.signal.aborted) {
      const list = await client.request<PodList>("GET", pods);
      list.items.forEach(look);
      const since = `${pods}?watch=1&resourceVersion=${list.metadata.resourceVersion}`;
      for await (const { type, object } of client.watch<Pod>(since, stopping.signal)) {
        if (type === "ERROR") break; // its history is compacted: list again
        if (type !== "DELETED") look(object);
      }
    }
  };
  const following = follow().catch((error) => {
    if (!stopping.signal.aborted) failures.push(error);
  });
  const stop = async () => {
    stopping.abort();
    for (const timer of timers.values()) clearTimeout(timer);
    await following;
    if (failures.length > 0)
      throw new AggregateError(failures.splice(0), "the fake kubelet failed");
  };
  return { stop, [Symbol.asyncDispose]: stop };
}

interface PodList {
  metadata: { resourceVersion: string };
  items: Pod[];
}

/** The pod went, or is another by now. */
function isOutdated(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 409);
}

/** For this pod only: the uid makes the API server refuse it for a later one of that name. */
function running(uid: string) {
  const now = new Date().toISOString();
  const conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => ({
    type,
    status: "True",
    lastTransitionTime: now,
  }));
  return { metadata: { uid }, status: { phase: "Running", startTime: now, conditions } };
}
