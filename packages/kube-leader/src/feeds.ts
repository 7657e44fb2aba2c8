import type { Observation } from "./decision.ts";
import { type FeedOptions, follow } from "./feed.ts";
import { type Holder, lockOf } from "./lock.ts";
import type { Mailbox } from "./mailbox.ts";
import { type ConfigMap, isEnding, isFinished, type Pod } from "./objects.ts";
import { type PatientApi, rest } from "./patience.ts";

/**
 * Which pods an election wants to follow: a holder, or all that match the selector. A later holder of the same
 * name is another target: it is asked about anew, as an old watch may still tell of the pod before it.
 */
export type PodTarget = { holder: Holder } | { selector: string };

/** What an election follows: the lock always, pods as it asks. All goes to its mailbox. */
export interface Feeds {
  /** Lists the lock anew; nothing that an older watch still holds is passed on after this. */
  readLock(): void;
  /** Follows other pods than before, or none. */
  followPods(target: PodTarget | undefined, mayBeRefused: boolean): void;
}

export interface FeedsOptions {
  api: PatientApi;
  namespace: string;
  name: string;
  me: { uid: string };
  mailbox: Mailbox<Observation>;
  signal: AbortSignal;
}

/** Who finds the lock free or his own leads before this has passed, and then need not watch. */
const soonMs = 1_000;
/** Two refusals so far apart are the role's: after a hiccup alone nobody may lead beside a holder that was seen. */
const refusedForMs = 3_000;

export function createFeeds(options: FeedsOptions): Feeds {
  const { me, name, mailbox, signal } = options;
  const isMine = ({ metadata }: ConfigMap) =>
    metadata.ownerReferences?.some(({ uid }) => uid === me.uid) ?? false;
  const lock = createSlot(signal, mailbox);
  const pods = createSlot(signal, mailbox);
  let followed: string | undefined;
  let refusedSince: number | undefined;

  function followHolder(holder: Holder, onRefused: (() => void) | undefined): void {
    const tell = (found: Pod | undefined): Observation => {
      const finished = found !== undefined && isFinished(found);
      return { of: "pod", holder, uid: found?.metadata.uid, finished };
    };
    pods.start(async (running, put) => {
      const feed: FeedOptions<Pod> = {
        ...options,
        resource: "pods",
        query: { fieldSelector: `metadata.name=${holder.pod}` },
        onList: ([found]) => {
          refusedSince = undefined;
          put(tell(found));
        },
        onEvent: (type, found) => put(tell(type === "DELETED" ? undefined : found)),
        onRefused: onRefused && (() => (refusedSince ??= performance.now())),
        signal: running,
      };
      for (;;) {
        await follow(feed);
        const leftMs = (refusedSince ?? 0) + refusedForMs - performance.now();
        if (leftMs <= 0) return onRefused?.();
        await rest(leftMs, running);
      }
    });
  }

  function followSelector(selector: string): void {
    const ending = new Map<string, Pod>();
    pods.start((running, put) => {
      const note = (pod: Pod, isThere: boolean) => {
        const { uid } = pod.metadata;
        if (isThere && isEnding(pod) && uid !== me.uid) ending.set(uid, pod);
        else ending.delete(uid);
      };
      const tell = () => {
        const found = [...ending].map(([uid, { metadata }]) => ({ uid, pod: metadata.name }));
        put({ of: "predecessors", pods: found });
      };
      return follow<Pod>({
        ...options,
        resource: "pods",
        query: { labelSelector: selector },
        onList: (found) => {
          ending.clear();
          for (const pod of found) note(pod, true);
          tell();
        },
        onEvent: (type, pod) => {
          note(pod, type !== "DELETED");
          tell();
        },
        signal: running,
      });
    });
  }

  return {
    readLock: () =>
      lock.start((running, put) =>
        follow<ConfigMap>({
          ...options,
          resource: "configmaps",
          // Rights on the one name cover list and watch only with this selector.
          query: { fieldSelector: `metadata.name=${name}` },
          onList: ([found]) => put({ of: "lock", lock: found ? lockOf(found) : "none" }),
          watchAfterMs: ([found]) => (found === undefined || isMine(found) ? soonMs : 0),
          onEvent: (type, found) =>
            put(
              type === "DELETED"
                ? { of: "deleted", uid: found.metadata.uid }
                : { of: "lock", lock: lockOf(found) },
            ),
          signal: running,
        }),
      ),
    followPods: (target, mayBeRefused) => {
      const wanted = target && JSON.stringify(target);
      if (wanted === followed) return;
      followed = wanted;
      if (target === undefined) return pods.stop();
      if ("selector" in target) return followSelector(target.selector);
      const onRefused = () => {
        followed = undefined;
        mailbox.put({ of: "pods-refused" });
      };
      followHolder(target.holder, mayBeRefused ? onRefused : undefined);
    },
  };
}

/** Room for one running feed: to start another ends it, and what it still says is not heard. */
function createSlot(signal: AbortSignal, mailbox: Mailbox<Observation>) {
  let current = new AbortController();
  return {
    start(run: (signal: AbortSignal, put: (seen: Observation) => void) => Promise<void>): void {
      current.abort();
      const mine = new AbortController();
      current = mine;
      const put = (seen: Observation) => {
        if (!mine.signal.aborted) mailbox.put(seen);
      };
      run(AbortSignal.any([signal, mine.signal]), put).catch((error: unknown) => {
        if (!mine.signal.aborted && !signal.aborted) mailbox.fail(error);
      });
    },
    stop: () => current.abort(),
  };
}
