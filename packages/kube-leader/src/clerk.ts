import type { Reply } from "./api.ts";
import type { Decision, Knowledge, Observation } from "./decision.ts";
import { ApiError, ForeignLockError, PodEndingError, RefusedError } from "./errors.ts";
import type { Feeds } from "./feeds.ts";
import { type Holder, type Lock, lockManifest, lockOf } from "./lock.ts";
import type { Mailbox } from "./mailbox.ts";
import { type ConfigMap, isOver, type Pod } from "./objects.ts";
import type { PatientApi } from "./patience.ts";

/** Does what was decided; what comes of it goes to the mailbox. */
export interface Clerk {
  act(decision: Exclude<Decision, { do: "lead" }>, knowledge: Knowledge): Promise<void>;
  /**
   * Deletes this lock of ours, and no other that has its name by now.
   *
   * @throws RefusedError where the role does not allow it
   */
  release(lock: Lock, signal: AbortSignal): Promise<void>;
}

export interface ClerkOptions {
  api: PatientApi;
  namespace: string;
  name: string;
  me: Holder;
  mailbox: Mailbox<Observation>;
  feeds: Feeds;
  signal: AbortSignal;
}

/**
 * Candidates that see a lock vanish at the same moment do not all knock at once. The more there are, the sooner the
 * first of them knocks, so a wide spread costs only those who are few: each lost race widens it.
 */
const spreadMs = { least: 20, most: 320 };
/** Where a create meets another's lock that no list shows, it is not tried again at once. */
const conflict = "create after a conflict";
const removeConflict = "delete after a conflict";
/** How often who may not look at the holder's pod asks whether it may by now. */
const askAgainMs = 5 * 60_000;
/** How long a lock without a living holder is left to garbage collection, which usually takes 20 ms. */
const collectorMs = { least: 1_000, most: 3_000 };

export function createClerk(options: ClerkOptions): Clerk {
  const { api, namespace, name, me, mailbox, feeds, signal } = options;
  const configMaps = { resource: "configmaps", namespace } as const;
  let hasWaited = false;
  let spread = spreadMs.least;
  let collector = { uid: "", until: 0 };

  function unclear(): void {
    mailbox.put({ of: "unclear" });
    feeds.readLock();
  }

  async function create(): Promise<void> {
    if (hasWaited && (await mailbox.arrival(Math.random() * spread))) return;
    const body = lockManifest(name, me);
    const reply = await api.try({ ...configMaps, verb: "create", body }, { signal });
    if (reply?.status === 404) throw new ApiError(`namespace ${namespace} does not exist`);
    // A conflict may be with our own request, whose answer was lost: only reading tells.
    if (reply === undefined || reply.status >= 300) {
      spread = Math.min(spreadMs.most, spread * 2);
      // Whoever lost a race that he watches is told by the watch: of fifty, only the winner need ask more.
      const isTold = reply !== undefined && (await mailbox.arrival(api.pauseMs(conflict)));
      return isTold ? undefined : unclear();
    }
    mailbox.put({ of: "lock", lock: lockOf(reply.body as ConfigMap) });
  }

  async function remove({ uid, resourceVersion }: Lock): Promise<void> {
    if (await mailbox.arrival(Math.random() * spread)) return;
    const body = { preconditions: { uid, resourceVersion } };
    const reply = await api.try({ ...configMaps, verb: "delete", name, body }, { signal });
    if (reply?.status === 404) return mailbox.put({ of: "deleted", uid });
    if (reply === undefined) return unclear();
    if (reply.status >= 300) {
      const isTold = await mailbox.arrival(api.pauseMs(removeConflict));
      return isTold ? undefined : unclear();
    }
    api.calm(removeConflict);
    const left = reply.body as Partial<ConfigMap>;
    // A finalizer keeps the object: then the answer is the object, not a Status.
    const isGone = left.metadata?.uid === undefined;
    mailbox.put(isGone ? { of: "deleted", uid } : { of: "lock", lock: lockOf(left as ConfigMap) });
  }

  async function giveTime({ uid }: Lock): Promise<void> {
    if (collector.uid !== uid) {
      const { least, most } = collectorMs;
      collector = { uid, until: performance.now() + least + Math.random() * (most - least) };
    }
    const left = Math.max(0, collector.until - performance.now());
    if (!(await mailbox.arrival(left))) mailbox.put({ of: "overdue", uid });
  }

  async function lookAtSelf(mayBeRefused: boolean): Promise<void> {
    const query = { fieldSelector: `metadata.name=${me.pod}` };
    const { status, body } = await api.ask(
      { verb: "list", resource: "pods", namespace, query },
      { signal, mayBeRefused },
    );
    if (status === 403) return mailbox.put({ of: "pods-refused" });
    const { items } = body as { items: Pod[] };
    const found = items.find(({ metadata }) => metadata.uid === me.uid);
    mailbox.put({ of: "self", self: found === undefined || isOver(found) ? "ending" : "alive" });
  }

  async function deleteOwn(uid: string, until: AbortSignal): Promise<Reply> {
    const body = { preconditions: { uid } };
    const call = { ...configMaps, verb: "delete", name, body } as const;
    for (let isUnclear = false; ; isUnclear = true) {
      const reply = await api.try(call, { signal: until, mayBeRefused: true });
      // What an unclear request deleted is not there for the next.
      if (reply !== undefined) {
        return isUnclear && reply.status === 404 ? { ...reply, status: 200 } : reply;
      }
    }
  }

  /**
   * To those who wait a vanished lock is no proof while its pod lives. So in its place comes one that says that it is
   * released, for as long as it takes to tell; if nobody here removes it, whoever wants the lock does.
   */
  async function release({ uid }: Lock, until: AbortSignal): Promise<void> {
    const { status } = await deleteOwn(uid, until);
    if (status === 403) {
      throw new RefusedError(
        `not allowed to delete configmaps/${name} in namespace ${namespace}: the lock stays until pod ${me.pod} is gone`,
      );
    }
    if (status >= 300) return;
    const body = lockManifest(name, me, { released: true });
    const call = { ...configMaps, verb: "create", body } as const;
    const reply = await api.ask(call, { signal: until, mayBeRefused: true });
    // Another has the lock, or the mark came to be unheard: who wants the lock removes it.
    if (reply.status >= 300) return;
    await deleteOwn((reply.body as ConfigMap).metadata.uid, until);
  }

  return {
    release,
    act: async (decision, knowledge) => {
      switch (decision.do) {
        case "read":
        case "await-predecessors":
          await mailbox.arrival();
          return;
        case "wait":
          hasWaited = true;
          if (decision.lock !== "none") api.calm(conflict);
          if (knowledge.pods !== "refused") await mailbox.arrival();
          else if (!(await mailbox.arrival(askAgainMs))) mailbox.put({ of: "pods-unsure" });
          return;
        case "create":
          return create();
        case "give-time":
          hasWaited = true;
          return giveTime(decision.lock);
        case "remove":
          return remove(decision.lock);
        case "look-at-self":
          return lookAtSelf(knowledge.pods !== "readable");
        case "step-down":
          await release(decision.lock, signal).catch(ignoreRefusal);
          throw new PodEndingError(`pod ${me.pod} is being deleted, so it does not begin to lead`);
        case "refuse":
          throw new ForeignLockError(decision.problem);
      }
    },
  };
}

/** Where the role does not allow to delete the lock, it is freed when this pod is gone, which is soon. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof RefusedError)) throw error;
}
