import type { Holder, Lock } from "./lock.ts";

/**
 * What became of a pod that was seen to hold the lock. The last two are for ever; one that released the lock may get
 * it again.
 */
export type Fate = "unknown" | "alive" | "released" | "finished" | "gone";

/** All that a candidate knows. It is replaced as it learns, never changed in place. */
export interface Knowledge {
  readonly me: Holder;
  readonly lock: Lock | "none" | "unknown";
  /** Other pods that were seen to hold the lock and may still lead, by uid. */
  readonly holders: ReadonlyMap<string, { pod: string; fate: Fate }>;
  /** Whether the API server shows pods; it does not with the minimal RBAC. */
  readonly pods: "unknown" | "readable" | "refused";
  /** What became of this pod since it has the lock. */
  readonly self: "unknown" | "alive" | "ending";
  /** Pods that match the selector, are ending, and so may have led before: checked once the lock is ours. */
  readonly predecessors: "unknown" | readonly Holder[];
  /** The uid of the lock that garbage collection had its time to remove, and did not. */
  readonly overdue: string | undefined;
}

/** One thing that the API server or the clock told. */
export type Observation =
  | { of: "lock"; lock: Lock | "none" }
  /** A watch said that this lock was deleted. */
  | { of: "deleted"; uid: string }
  /** A write had no clear answer, or met another's: what is known of the lock may be wrong. */
  | { of: "unclear" }
  /** The pod that now has that holder's name, asked for after it was seen; `uid` is undefined when there is none. */
  | { of: "pod"; holder: Holder; uid: string | undefined; finished: boolean }
  | { of: "pods-refused" }
  /** The refusal is so long ago that it is worth asking again. */
  | { of: "pods-unsure" }
  | { of: "self"; self: "alive" | "ending" }
  | { of: "predecessors"; pods: readonly Holder[] }
  | { of: "overdue"; uid: string };

/** What to do next. */
export type Decision =
  | { do: "read" }
  | { do: "create" }
  /** Wait for the lock, and for `watch`'s end where pods can be seen. */
  | { do: "wait"; holder: Holder; watch: Holder | undefined; lock: Lock | "none" }
  /** Wait for garbage collection, and no longer than it usually takes. */
  | { do: "give-time"; holder: Holder; lock: Lock }
  /** Delete the lock, if it is still exactly this one. */
  | { do: "remove"; holder: Holder; lock: Lock }
  | { do: "await-predecessors"; lock: Lock }
  | { do: "look-at-self"; lock: Lock }
  | { do: "lead"; lock: Lock }
  /** This pod is being deleted: give the lock back. */
  | { do: "step-down"; lock: Lock }
  | { do: "refuse"; problem: string };

/** What a candidate knows before it has asked anything. */
export function beginning(me: Holder, options: { selector: boolean }): Knowledge {
  return {
    me,
    lock: "unknown",
    holders: new Map(),
    pods: "unknown",
    self: "unknown",
    predecessors: options.selector ? "unknown" : [],
    overdue: undefined,
  };
}

/** Adds an observation to what is known. */
export function learn(knowledge: Knowledge, seen: Observation): Knowledge {
  switch (seen.of) {
    case "lock":
      return learnLock(knowledge, seen.lock);
    case "deleted": {
      const { lock } = knowledge;
      // A watch may tell late of a lock that another one has long replaced.
      const stale = typeof lock !== "string" && lock.uid !== seen.uid;
      return stale ? knowledge : learnLock(knowledge, "none");
    }
    case "unclear":
      return { ...knowledge, lock: "unknown" };
    case "pod":
      return learnPod({ ...knowledge, pods: "readable" }, seen);
    case "pods-refused":
      return knowledge.pods === "readable" ? knowledge : { ...knowledge, pods: "refused" };
    case "pods-unsure":
      return knowledge.pods === "refused" ? { ...knowledge, pods: "unknown" } : knowledge;
    case "self":
      return { ...knowledge, self: seen.self };
    case "predecessors":
      return { ...knowledge, predecessors: seen.pods };
    case "overdue":
      return { ...knowledge, overdue: seen.uid };
  }
}

function learnLock(knowledge: Knowledge, lock: Lock | "none"): Knowledge {
  const { me, lock: before, holders: known, pods } = knowledge;
  const isSame = idOf(before) === idOf(lock);
  const holders = new Map(known);
  const owner = ownerOf(lock);
  if (owner !== undefined && owner.uid !== me.uid) {
    const fate = fateByLock(lock as Lock, holders.get(owner.uid)?.fate);
    holders.set(owner.uid, { pod: owner.pod, fate });
  }
  for (const [uid, { fate }] of holders) {
    if (isOver(fate) && uid !== owner?.uid) holders.delete(uid);
  }
  return {
    ...knowledge,
    lock,
    holders,
    self: isSame ? knowledge.self : "unknown",
    // A refusal may have been a hiccup: ask again before it matters.
    pods: pods === "refused" && !isSame ? "unknown" : pods,
  };
}

/** A holder says itself that it leads no more; a lock that does not say so is held anew. */
function fateByLock({ released }: Lock, known: Fate | undefined): Fate {
  if (known === "gone" || known === "finished") return known;
  if (released) return "released";
  return known === undefined || known === "released" ? "unknown" : known;
}

/** News of a pod counts for the holder it was asked about: for a later one of that name it may be too old. */
function learnPod(
  knowledge: Knowledge,
  { holder, uid, finished }: Observation & { of: "pod" },
): Knowledge {
  const known = knowledge.holders.get(holder.uid);
  if (known === undefined || isOver(known.fate)) return knowledge;
  // A StatefulSet gives the name to a new pod: only the uid tells whether it is the same one.
  const fate = holder.uid !== uid ? "gone" : finished ? "finished" : "alive";
  return {
    ...knowledge,
    holders: new Map(knowledge.holders).set(holder.uid, { pod: holder.pod, fate }),
  };
}

/** Decides from what is known, and from nothing else, what a candidate does next. */
export function decide(knowledge: Knowledge): Decision {
  const { me, lock } = knowledge;
  if (lock === "unknown") return { do: "read" };
  if (lock === "none") return decideVacant(knowledge);
  if ("foreign" in lock.owner) return { do: "refuse", problem: lock.owner.foreign };
  if (lock.owner.uid !== me.uid) return decideHeld(knowledge, lock, lock.owner);
  if (lock.released && !lock.deleting) return { do: "remove", holder: me, lock };
  if (lock.deleting) return { do: "wait", holder: me, watch: undefined, lock };
  return decideOwn(knowledge, lock);
}

/** A vanished lock proves nothing: a foreground deletion removes it while its pod still leads. */
function decideVacant(knowledge: Knowledge): Decision {
  const holder = livingHolder(knowledge);
  return holder === undefined
    ? { do: "create" }
    : { do: "wait", holder, watch: holder, lock: "none" };
}

/** One that was seen to hold the lock and may still lead, where pods can be looked at. */
function livingHolder({ holders, pods }: Knowledge): Holder | undefined {
  const living = [...holders].find(([, { fate }]) => !isOver(fate));
  if (living === undefined || pods === "refused") return undefined;
  const [uid, { pod }] = living;
  return { pod, uid };
}

function decideHeld({ holders, pods, overdue }: Knowledge, lock: Lock, holder: Holder): Decision {
  const fate = holders.get(holder.uid)?.fate;
  if (pods === "refused") return { do: "wait", holder, watch: undefined, lock };
  if ((fate === "finished" || fate === "released") && !lock.deleting)
    return { do: "remove", holder, lock };
  if (fate !== "gone" || lock.deleting) return { do: "wait", holder, watch: holder, lock };
  return overdue === lock.uid ? { do: "remove", holder, lock } : { do: "give-time", holder, lock };
}

function decideOwn(knowledge: Knowledge, lock: Lock): Decision {
  const { self, pods, predecessors } = knowledge;
  // Another's lock may have come and gone before ours was made, and be told of only now.
  const holder = livingHolder(knowledge);
  if (holder !== undefined) return { do: "wait", holder, watch: holder, lock };
  if (predecessors === "unknown" || predecessors.length > 0) {
    return { do: "await-predecessors", lock };
  }
  if (self === "alive" || pods === "refused") return { do: "lead", lock };
  if (self === "unknown") return { do: "look-at-self", lock };
  return { do: "step-down", lock };
}

function isOver(fate: Fate): boolean {
  return fate === "gone" || fate === "finished" || fate === "released";
}

function ownerOf(lock: Knowledge["lock"]): Holder | undefined {
  return typeof lock === "string" || "foreign" in lock.owner ? undefined : lock.owner;
}

function idOf(lock: Knowledge["lock"]): string {
  return typeof lock === "string" ? lock : lock.uid;
}
