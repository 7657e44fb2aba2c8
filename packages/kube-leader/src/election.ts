import { type Clerk, createClerk } from "./clerk.ts";
import {
  beginning,
  type Decision,
  decide,
  type Knowledge,
  learn,
  type Observation,
} from "./decision.ts";
import { PodEndingError } from "./errors.ts";
import { createFeeds, type PodTarget } from "./feeds.ts";
import { type Holder, type Lock, lockOf } from "./lock.ts";
import { createMailbox, type Mailbox } from "./mailbox.ts";
import type { ConfigMap } from "./objects.ts";
import type { PatientApi } from "./patience.ts";

export interface ElectionOptions {
  api: PatientApi;
  namespace: string;
  /** The name of the lock's ConfigMap. */
  name: string;
  me: Holder;
  /** Label selector: before leading, the end of pods that match and are being deleted is awaited. */
  selector?: string | undefined;
  /** Ends the wait; it has no meaning once the election is won. */
  signal: AbortSignal;
  /** Called when waiting starts, and when the leader changes. */
  onWaiting?: ((leader: Holder) => void) | undefined;
  /** Called when the lock is ours and pods that match the selector have yet to end. */
  onPredecessors?: ((pods: readonly Holder[]) => void) | undefined;
}

/** A won election. The lock goes on being watched until `stop`. */
export interface Election {
  lock: Lock;
  /** Resolves with the reason when the lock is seen to be gone, or the API server knows us no more. */
  lost: Promise<Error>;
  /**
   * Deletes the lock, if it is still ours, and stops.
   *
   * @throws RefusedError where the role does not allow it
   */
  release(): Promise<void>;
  /** Stops, and then tries to do the same for a few seconds; for a moment only once the signal has aborted. */
  giveBack(signal: AbortSignal): Promise<void>;
  stop(): void;
}

/** How long a candidate's last requests may take: one that is asked to end keeps nobody waiting. */
const farewellMs = { usual: 5_000, asked: 150 };

/**
 * Waits until this pod holds the lock.
 *
 * @throws PodEndingError, ForeignLockError, RefusedError, ApiError, or the signal's reason
 */
export async function elect(options: ElectionOptions): Promise<Election> {
  const { me, selector } = options;
  const ending = new AbortController();
  const abort = () => ending.abort(options.signal.reason);
  if (options.signal.aborted) abort();
  options.signal.addEventListener("abort", abort);
  const { signal } = ending;
  const mailbox = createMailbox<Observation>(signal);
  const feeds = createFeeds({ ...options, mailbox, signal });
  const clerk = createClerk({ ...options, mailbox, feeds, signal });
  const tell = createTeller(options);
  let knowledge = beginning(me, { selector: selector !== undefined });
  let hasCreated = false;
  try {
    feeds.readLock();
    for (;;) {
      const decision = decide(knowledge);
      if (decision.do === "lead") {
        feeds.followPods(undefined, false);
        return won(decision.lock, { me, mailbox, clerk, ending });
      }
      tell(decision, knowledge);
      if (decision.do !== "read") {
        feeds.followPods(podsFor(decision, selector), knowledge.pods !== "readable");
      }
      hasCreated ||= decision.do === "create";
      await clerk.act(decision, knowledge);
      knowledge = mailbox.take().reduce(learn, knowledge);
    }
  } catch (error) {
    const mine = lockOfMine(mailbox.take().reduce(learn, knowledge));
    if ((mine !== undefined || hasCreated) && !(error instanceof PodEndingError)) {
      // The answer to a create may be what was not waited for: then only reading tells.
      await farewell(options.signal, async (until) => {
        const lock = mine ?? (await readMine(options, until));
        if (lock !== undefined) await clerk.release(lock, until);
      });
    }
    ending.abort(error);
    throw options.signal.aborted ? options.signal.reason : error;
  } finally {
    options.signal.removeEventListener("abort", abort);
  }
}

function won(
  lock: Lock,
  {
    me,
    mailbox,
    clerk,
    ending,
  }: {
    me: Holder;
    mailbox: Mailbox<Observation>;
    clerk: Clerk;
    ending: AbortController;
  },
): Election {
  const stop = () => ending.abort();
  return {
    lock,
    lost: lossOf(lock, me, mailbox),
    stop,
    giveBack: (signal) => {
      stop();
      return farewell(signal, (until) => clerk.release(lock, until));
    },
    release: async () => {
      await clerk.release(lock, ending.signal);
      stop();
    },
  };
}

/** Reads the mailbox until it says that the lock is no longer this one, or no longer ours. */
async function lossOf({ uid }: Lock, me: Holder, mailbox: Mailbox<Observation>): Promise<Error> {
  try {
    for (;;) {
      await mailbox.arrival();
      for (const seen of mailbox.take()) {
        const isOther = seen.of === "lock" && !isOwned(seen.lock, uid, me);
        if (isOther || (seen.of === "deleted" && seen.uid === uid)) {
          return new Error("the lock is gone");
        }
      }
    }
  } catch (error) {
    return error as Error;
  }
}

function isOwned(lock: Lock | "none", uid: string, me: Holder): boolean {
  const isLock = lock !== "none" && lock.uid === uid && !lock.released;
  return isLock && "uid" in lock.owner && lock.owner.uid === me.uid;
}

/** What was won but never used is given back, so that the others need not wait for this pod's end. */
async function farewell(
  signal: AbortSignal,
  giveBack: (until: AbortSignal) => Promise<void>,
): Promise<void> {
  const asked = new AbortController();
  const hurry = () => setTimeout(() => asked.abort(), farewellMs.asked).unref();
  if (signal.aborted) hurry();
  else signal.addEventListener("abort", hurry, { once: true });
  try {
    const until = AbortSignal.any([asked.signal, AbortSignal.timeout(farewellMs.usual)]);
    await giveBack(until);
  } catch {
    // Garbage collection does it when the pod is gone.
  } finally {
    signal.removeEventListener("abort", hurry);
  }
}

async function readMine(
  { api, namespace, name, me }: ElectionOptions,
  signal: AbortSignal,
): Promise<Lock | undefined> {
  const call = { verb: "get", resource: "configmaps", namespace, name } as const;
  const reply = await api.try(call, { signal, mayBeRefused: true });
  if (reply?.status !== 200) return undefined;
  return lockOfMine({ lock: lockOf(reply.body as ConfigMap), me });
}

function lockOfMine({ lock, me }: Pick<Knowledge, "lock" | "me">): Lock | undefined {
  if (typeof lock === "string" || "foreign" in lock.owner || lock.released) return undefined;
  return lock.owner.uid === me.uid ? lock : undefined;
}

function podsFor(decision: Decision, selector: string | undefined): PodTarget | undefined {
  if (decision.do === "wait" && decision.watch !== undefined) return { holder: decision.watch };
  if (decision.do === "await-predecessors" && selector !== undefined) return { selector };
  return undefined;
}

/** Says who leads when waiting starts and whenever it is another; not again for the same one. */
function createTeller({ me, onWaiting, onPredecessors }: ElectionOptions) {
  let told: string | undefined;
  return (decision: Decision, { predecessors }: Knowledge): void => {
    if (decision.do === "await-predecessors" && predecessors !== "unknown") {
      if (told !== me.uid) onPredecessors?.(predecessors);
      told = me.uid;
    }
    if (decision.do !== "wait" || decision.holder.uid === told) return;
    told = decision.holder.uid;
    onWaiting?.(decision.holder);
  };
}
