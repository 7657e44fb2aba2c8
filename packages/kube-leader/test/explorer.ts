import type { Decision, Knowledge, Observation } from "../src/decision.ts";
import type { Holder, Lock } from "../src/lock.ts";

/** What a candidate thinks with: the real functions, or these with a defect planted. */
export interface Protocol {
  beginning: (me: Holder, options: { selector: boolean }) => Knowledge;
  learn: (knowledge: Knowledge, seen: Observation) => Knowledge;
  decide: (knowledge: Knowledge) => Decision;
}

/** What may happen in a world besides pods that end and news that come late. */
export interface World {
  /** The candidates may look at pods, as with the recommended rights. */
  pods?: boolean;
  selector?: boolean;
  /** When the first pod is gone, a third gets its name, as in a StatefulSet. */
  sameName?: boolean;
  /** The garbage collector removes the lock of a pod that is deleted in the foreground and still runs. */
  foreground?: boolean;
  /** Somebody deletes the lock by hand. */
  byHand?: boolean;
  /** A pod object is removed while its process goes on. */
  forceDelete?: boolean;
  /** Answers to writes get lost. */
  lostAnswers?: boolean;
  /** A leader may release the lock, while its pod lives, and try again later. */
  releases?: boolean;
  /** Several news may be in the mailbox before a candidate decides, from watches that it no longer needs too. */
  batches?: boolean;
  /** A watch breaks: what it had to tell is lost, and a list is made. */
  brokenWatch?: boolean;
  /** Defect: a stale lock is not deleted but given another owner. */
  takesOver?: boolean;
  /** Defect: the watch of a pod goes on when a later holder has its name, with what it has still to tell. */
  followsByName?: boolean;
  /** Defect: locks are deleted by name, whatever they are by now. */
  deletesByName?: boolean;
}

export interface Finding {
  /** The later leader had never been told of the other's lock, which was removed while its pod ran. */
  neverSaw: boolean;
  /** The steps that lead there, one a line. */
  trace: string;
}

export interface Exploration {
  states: number;
  /** How many states have a leader: an exploration that never elects proves nothing. */
  led: number;
  /** Reachable states in which two living pods lead. */
  findings: Finding[];
}

interface PodState extends Holder {
  phase: "alive" | "ending" | "finished" | "gone";
  isForeground: boolean;
  /** Its process: without force delete it has ended before the object is gone. */
  runs: boolean;
}

interface FeedState {
  target: Holder | "lock" | "selector" | undefined;
  /** Whether the list was made: changes since are in the queue. */
  isListed: boolean;
  queue: readonly Observation[];
}

interface Candidate {
  knowledge: Knowledge;
  /** A request on its way to the API server. */
  request: Decision | undefined;
  /** Its answer, on its way back. */
  reply: Observation | undefined;
  /** The lock whose time for the garbage collector runs. */
  timer: string | undefined;
  lockFeed: FeedState;
  podFeed: FeedState;
  /** A release: the lock is deleted, the mark that says so is to be made, then to be removed. */
  releasing: "mark" | "unmark" | undefined;
  /** It has heard news and not decided yet. */
  hasNews: boolean;
  leads: boolean;
  isOver: boolean;
  saw: readonly string[];
}

interface State {
  pods: Readonly<Record<string, PodState>>;
  candidates: Readonly<Record<string, Candidate>>;
  lock: Lock | undefined;
  /** Counts locks, for uids. */
  made: number;
  /** The lock whose owner the collector found gone; it deletes by uid, some time later. */
  condemned: string | undefined;
  /** Pods whose lock was removed while they ran. */
  robbed: readonly string[];
  broken: boolean;
}

type Step = [label: string, state: State];

const idle: FeedState = { target: undefined, isListed: false, queue: [] };

/**
 * Visits every state that two pods, and a third that gets the name of the first, can reach in so many steps: breadth
 * first, each once. Requests, answers and the news of each watch travel independently, each watch's in order.
 */
export function explore(
  { protocol, world }: { protocol: Protocol; world: World },
  { steps: mostSteps = Number.POSITIVE_INFINITY, stopAtFirst = false } = {},
): Exploration {
  const model = createModel(protocol, world);
  const numberOf = createNumbering();
  const start = model.start();
  const came = new Map<string, { from: string; label: string } | undefined>();
  const findings: Finding[] = [];
  let led = 0;
  let level: [string, State][] = [[keyOf(start, numberOf), start]];
  came.set(keyOf(start, numberOf), undefined);
  for (let steps = 0; level.length > 0 && steps <= mostSteps; steps++) {
    const next: typeof level = [];
    for (const [key, state] of level) {
      const leaders = leadersOf(state);
      if (leaders.length > 0) led += 1;
      if (leaders.length > 1) {
        findings.push({ neverSaw: isExcused(state, leaders), trace: traceOf(key, came) });
        if (stopAtFirst) return { states: came.size, led, findings };
        continue;
      }
      for (const [label, reached] of model.steps(state)) {
        const id = keyOf(reached, numberOf);
        if (came.has(id)) continue;
        came.set(id, { from: key, label });
        next.push([id, reached]);
      }
    }
    level = next;
  }
  return { states: came.size, led, findings };
}

function leadersOf({ pods, candidates }: State): string[] {
  return Object.keys(candidates).filter((uid) => candidates[uid]?.leads && pods[uid]?.runs);
}

/** Of two leaders, one was robbed of its lock, and the other never saw that it had had one. */
function isExcused({ candidates, robbed }: State, leaders: string[]): boolean {
  return leaders.some((first) =>
    leaders.some(
      (second) =>
        first !== second && robbed.includes(first) && !candidates[second]?.saw.includes(first),
    ),
  );
}

/** Equal parts get one number each: states share most of their parts, so few are ever serialised. */
function createNumbering(): (part: object) => number {
  const numbers = new Map<string, number>();
  const known = new WeakMap<object, number>();
  return (part) => {
    const before = known.get(part);
    if (before !== undefined) return before;
    const text = JSON.stringify(part, (_, value) => (value instanceof Map ? [...value] : value));
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    known.set(part, number);
    return number;
  };
}

function keyOf(
  { pods, candidates, lock, ...rest }: State,
  numberOf: (part: object) => number,
): string {
  const parts = [...Object.values(pods), ...Object.values(candidates), lock ?? {}, rest];
  return parts.map(numberOf).join();
}

function traceOf(
  key: string,
  came: Map<string, { from: string; label: string } | undefined>,
): string {
  const labels: string[] = [];
  for (let at = came.get(key); at !== undefined; at = came.get(at.from)) labels.unshift(at.label);
  return labels.join("\n");
}

function createModel({ beginning, learn, decide }: Protocol, world: World) {
  const { pods: seesPods = true, selector = false } = world;
  /** As many locks as two leaders and their successor need, and one more for the mark of a release. */
  const mostLocks = world.releases ? 4 : 3;

  function start(): State {
    const empty: State = {
      pods: {},
      candidates: {},
      lock: undefined,
      made: 0,
      condemned: undefined,
      robbed: [],
      broken: false,
    };
    return addPod(addPod(empty, { pod: "a", uid: "a1" }), { pod: "b", uid: "b1" });
  }

  function addPod(state: State, me: Holder): State {
    const candidate: Candidate = {
      knowledge: beginning(me, { selector }),
      request: undefined,
      reply: undefined,
      timer: undefined,
      lockFeed: { ...idle, target: "lock" },
      podFeed: idle,
      hasNews: false,
      releasing: undefined,
      leads: false,
      isOver: false,
      saw: [],
    };
    const pod: PodState = { ...me, phase: "alive", isForeground: false, runs: true };
    const added = { ...state, candidates: { ...state.candidates, [me.uid]: candidate } };
    return changePod(added, pod);
  }

  const withCandidate = (state: State, uid: string, change: Partial<Candidate>): State => {
    const before = state.candidates[uid] as Candidate;
    return { ...state, candidates: { ...state.candidates, [uid]: { ...before, ...change } } };
  };

  /** Every candidate that runs is told, if it listens. */
  function tell(
    state: State,
    which: "lockFeed" | "podFeed",
    news: (target: FeedState["target"], uid: string) => Observation | undefined,
  ): State {
    let told = state;
    for (const [uid, candidate] of Object.entries(state.candidates)) {
      const feed = candidate[which];
      if (!feed.isListed) continue;
      const seen = news(feed.target, uid);
      if (seen === undefined) continue;
      const isSame = JSON.stringify(feed.queue.at(-1)) === JSON.stringify(seen);
      if (isSame) continue;
      told = withCandidate(told, uid, { [which]: { ...feed, queue: [...feed.queue, seen] } });
    }
    return told;
  }

  function changePod(state: State, pod: PodState): State {
    const changed = { ...state, pods: { ...state.pods, [pod.uid]: pod } };
    const stopped = pod.runs ? changed : stopCandidate(changed, pod.uid);
    return tell(stopped, "podFeed", (target, uid) => {
      if (target === "selector") return predecessors(stopped, uid);
      const isMeant = typeof target === "object" && target.pod === pod.pod;
      return isMeant ? podNews(target, pod) : undefined;
    });
  }

  /** Dead candidates are all alike. */
  function stopCandidate(state: State, uid: string): State {
    const { knowledge } = state.candidates[uid] as Candidate;
    return withCandidate(state, uid, {
      knowledge: beginning(knowledge.me, { selector }),
      request: undefined,
      reply: undefined,
      timer: undefined,
      lockFeed: idle,
      podFeed: idle,
      hasNews: false,
      releasing: undefined,
      leads: false,
      isOver: true,
      saw: [],
    });
  }

  function podNews(holder: Holder, pod: PodState | undefined): Observation {
    const isThere = pod !== undefined && pod.phase !== "gone";
    const uid = isThere ? pod.uid : undefined;
    return { of: "pod", holder, uid, finished: isThere && pod.phase === "finished" };
  }

  function predecessors({ pods }: State, me: string): Observation {
    const ending = Object.values(pods).filter(({ phase, uid }) => phase === "ending" && uid !== me);
    return { of: "predecessors", pods: ending.map(({ pod, uid }) => ({ pod, uid })) };
  }

  function setLock(state: State, lock: Lock | undefined): State {
    const gone = state.lock?.uid ?? "";
    const seen: Observation =
      lock === undefined ? { of: "deleted", uid: gone } : { of: "lock", lock };
    const owner = ownerOf(state.lock);
    const isRobbed = lock === undefined && owner !== undefined && state.pods[owner]?.runs;
    const robbed = isRobbed ? [...new Set([...state.robbed, owner])].sort() : state.robbed;
    return tell({ ...state, lock, robbed }, "lockFeed", () => seen);
  }

  function give(state: State, uid: string, owner: string): Lock {
    const { pod } = state.pods[owner] as PodState;
    const resourceVersion = `${uid} of ${owner}`;
    const fresh = { createdAt: "", deleting: false, released: false };
    return { uid, resourceVersion, ...fresh, owner: { pod, uid: owner } };
  }

  /** What the API server does with a request, at once or not at all. */
  function serve(state: State, me: string, request: Decision): [State, Observation] {
    const { lock } = state;
    const unclear: Observation = { of: "unclear" };
    switch (request.do) {
      case "create": {
        if (lock !== undefined) return [state, unclear];
        const made = give(state, `L${state.made + 1}`, me);
        return [setLock({ ...state, made: state.made + 1 }, made), { of: "lock", lock: made }];
      }
      case "remove": {
        const { uid, resourceVersion } = request.lock;
        if (lock === undefined) return [state, { of: "deleted", uid }];
        const isMeant = lock.uid === uid && lock.resourceVersion === resourceVersion;
        if (!isMeant && !world.deletesByName) return [state, unclear];
        if (!world.takesOver) return [setLock(state, undefined), { of: "deleted", uid }];
        const taken = give(state, uid, me);
        return [setLock(state, taken), { of: "lock", lock: taken }];
      }
      case "look-at-self": {
        if (!seesPods) return [state, { of: "pods-refused" }];
        const isAlive = state.pods[me]?.phase === "alive";
        return [state, { of: "self", self: isAlive ? "alive" : "ending" }];
      }
      default:
        throw new Error(`${request.do} asks for nothing`);
    }
  }

  function hear(state: State, me: string, seen: Observation, decides = true): State {
    const { knowledge, saw, lockFeed, request, reply } = state.candidates[me] as Candidate;
    const owner = seen.of === "lock" && seen.lock !== "none" ? ownerOf(seen.lock) : undefined;
    const isNew = owner !== undefined && owner !== me && !saw.includes(owner);
    const heard = withCandidate(state, me, {
      knowledge: learn(knowledge, seen),
      timer: undefined,
      saw: isNew ? [...saw, owner].sort() : saw,
      // After an unclear answer the lock is listed anew.
      lockFeed: seen.of === "unclear" ? { ...idle, target: "lock" } : lockFeed,
    });
    // It decides at once, unless the answer to a request or more news is still to come.
    if (request !== undefined || reply !== undefined) return heard;
    return decides ? think(heard, me) : withCandidate(heard, me, { hasNews: true });
  }

  function think(before: State, me: string): State {
    const state = withCandidate(before, me, { hasNews: false });
    const { knowledge, podFeed } = state.candidates[me] as Candidate;
    const decision = decide(knowledge);
    switch (decision.do) {
      case "lead": {
        const led = stopCandidate(state, me);
        return withCandidate(led, me, { leads: true, saw: state.candidates[me]?.saw ?? [] });
      }
      case "refuse":
        return stopCandidate(state, me);
      case "step-down": {
        const isMine = state.lock?.uid === decision.lock.uid;
        const left = stopCandidate(state, me);
        return isMine ? { ...setLock(left, undefined), robbed: left.robbed } : left;
      }
      case "read":
        return state;
      default: {
        const wanted = targetOf(decision);
        const isSame = isSameTarget(wanted, podFeed.target);
        const isAsking = ["create", "remove", "look-at-self"].includes(decision.do);
        return withCandidate(state, me, {
          podFeed: isSame ? podFeed : { ...idle, target: wanted },
          request: isAsking ? decision : undefined,
          timer: decision.do === "give-time" ? decision.lock.uid : undefined,
        });
      }
    }
  }

  function isSameTarget(one: FeedState["target"], other: FeedState["target"]): boolean {
    const isByName = world.followsByName && typeof one === "object" && typeof other === "object";
    return isByName ? one.pod === other.pod : JSON.stringify(one) === JSON.stringify(other);
  }

  function targetOf(decision: Decision): FeedState["target"] {
    if (decision.do === "wait") return decision.watch;
    return decision.do === "await-predecessors" ? "selector" : undefined;
  }

  function list(state: State, me: string, which: "lockFeed" | "podFeed"): State {
    const feed = (state.candidates[me] as Candidate)[which];
    return withCandidate(state, me, {
      [which]: { ...feed, isListed: true, queue: [found(state, me, feed.target)] },
    });
  }

  function found(state: State, me: string, target: FeedState["target"]): Observation {
    if (target === "lock") return { of: "lock", lock: state.lock ?? "none" };
    if (!seesPods) return { of: "pods-refused" };
    if (target === "selector") return predecessors(state, me);
    const { pod: name } = target as Holder;
    const there = Object.values(state.pods).find(
      ({ pod, phase }) => pod === name && phase !== "gone",
    );
    return podNews(target as Holder, there);
  }

  function* feedSteps(state: State, me: string, which: "lockFeed" | "podFeed"): Generator<Step> {
    const { target, isListed, queue } = (state.candidates[me] as Candidate)[which];
    if (target === undefined) return;
    if (!isListed) yield [`${me} lists: ${which}`, list(state, me, which)];
    const [seen, ...rest] = queue;
    if (seen === undefined) return;
    const feed: FeedState = { target, isListed, queue: rest };
    const taken = withCandidate(state, me, { [which]: feed });
    yield [`${me} hears ${JSON.stringify(seen)}`, hear(taken, me, seen)];
    if (world.batches) {
      yield [`${me} hears ${JSON.stringify(seen)}, and more`, hear(taken, me, seen, false)];
    }
    if (world.brokenWatch && !state.broken) {
      const cut = withCandidate(state, me, { [which]: { target, isListed: false, queue: [] } });
      yield [`${me} loses its ${which}`, { ...cut, broken: true }];
    }
  }

  function* candidateSteps(state: State, me: string): Generator<Step> {
    const { isOver, leads, hasNews, request, reply, timer } = state.candidates[me] as Candidate;
    if (isOver || leads) return;
    if (hasNews) yield [`${me} decides`, think(state, me)];
    yield* feedSteps(state, me, "lockFeed");
    yield* feedSteps(state, me, "podFeed");
    if (request !== undefined && (request.do !== "create" || state.made < mostLocks)) {
      const [served, answer] = serve(state, me, request);
      const done = withCandidate(served, me, { request: undefined, reply: answer });
      yield [`${me}: ${request.do} is served`, done];
      if (world.lostAnswers) {
        const lost = withCandidate(done, me, { reply: { of: "unclear" } });
        yield [`${me}: ${request.do} is served, its answer lost`, lost];
      }
    }
    if (reply !== undefined) {
      const heard = hear(withCandidate(state, me, { reply: undefined }), me, reply);
      yield [`${me} is answered ${JSON.stringify(reply)}`, heard];
    }
    if (timer !== undefined) {
      yield [`${me} waited long enough`, hear(state, me, { of: "overdue", uid: timer })];
    }
  }

  function* releaseSteps(state: State, me: string): Generator<Step> {
    const { leads, releasing } = state.candidates[me] as Candidate;
    const { lock, robbed, made } = state;
    const isMine = ownerOf(lock) === me;
    if (leads) {
      const left = withCandidate(stopCandidate(state, me), me, { releasing: "mark" });
      const released = isMine ? { ...setLock(left, undefined), robbed } : stopCandidate(state, me);
      yield [`${me} releases the lock`, released];
    }
    if (releasing === "mark") {
      const mark = { ...give(state, `L${made + 1}`, me), released: true };
      const marked = setLock({ ...state, made: made + 1 }, mark);
      yield [
        `${me} says that it released the lock`,
        lock === undefined && made < mostLocks
          ? withCandidate(marked, me, { releasing: "unmark" })
          : restart(state, me),
      ];
    }
    if (releasing === "unmark") {
      const unmarked = isMine && lock?.released ? { ...setLock(state, undefined), robbed } : state;
      yield [`${me} has released the lock`, restart(unmarked, me)];
    }
  }

  /** It tries again, knowing nothing. */
  function restart(state: State, me: string): State {
    return withCandidate(stopCandidate(state, me), me, {
      isOver: false,
      lockFeed: { ...idle, target: "lock" },
    });
  }

  function* podSteps(state: State, pod: PodState): Generator<Step> {
    const { uid, phase } = pod;
    const change = (what: string, to: Partial<PodState>): Step => [
      `${uid} ${what}`,
      changePod(state, { ...pod, ...to }),
    ];
    // One pod that ends, first as any, last as any, suffices: the others differ from it in name alone.
    if (uid !== "a1" || phase === "gone") return;
    if (phase === "alive") {
      yield change("is deleted", { phase: "ending" });
      if (world.foreground) {
        yield change("is deleted in the foreground", { phase: "ending", isForeground: true });
      }
      yield change("finishes", { phase: "finished", runs: false });
    } else {
      yield change("is gone", { phase: "gone", runs: false });
    }
    if (world.forceDelete && phase !== "finished")
      yield change("is force deleted", { phase: "gone" });
  }

  function* collectorSteps(state: State): Generator<Step> {
    const { lock, condemned } = state;
    const owner = state.pods[ownerOf(lock) ?? ""];
    if (lock !== undefined && lock.uid === condemned) {
      yield ["the collector deletes", setLock({ ...state, condemned: undefined }, undefined)];
    } else if (lock !== undefined && owner?.phase === "gone") {
      yield ["the collector finds the owner gone", { ...state, condemned: lock.uid }];
    }
    if (owner?.phase === "ending" && owner.isForeground) {
      yield ["the collector deletes in the foreground", setLock(state, undefined)];
    }
  }

  function* steps(state: State): Generator<Step> {
    for (const uid of Object.keys(state.candidates)) {
      yield* candidateSteps(state, uid);
      if (world.releases) yield* releaseSteps(state, uid);
    }
    for (const pod of Object.values(state.pods)) yield* podSteps(state, pod);
    yield* collectorSteps(state);
    if (world.sameName && state.pods["a1"]?.phase === "gone" && state.pods["a2"] === undefined) {
      yield ["a2 gets the name of a1", addPod(state, { pod: "a", uid: "a2" })];
    }
    if (world.byHand && state.lock !== undefined && state.robbed.length === 0) {
      yield ["somebody deletes the lock", setLock(state, undefined)];
    }
  }

  return { start, steps };
}

function ownerOf(lock: Lock | undefined): string | undefined {
  return lock === undefined || "foreign" in lock.owner ? undefined : lock.owner.uid;
}
