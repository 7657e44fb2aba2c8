import type { EvictionOutcome } from "../../src/drain/eviction.ts";
import type { Budget, Node, Pod } from "../../src/kubernetes/objects.ts";
import type { Clock, Dice } from "./clock.ts";

/** A watcher of one kind of thing; it hears of changes late, in their order, and sometimes has to list again. */
export interface Watcher {
  node(node: Node | undefined, instanceId: string): void;
  pod(pod: Pod, gone: boolean): void;
  budget(budget: Budget): void;
}

interface SimPod {
  pod: Pod;
  budget?: string;
  /** Its controller gives its successor the same name. */
  sticky: boolean;
  accepted: number;
  forced: boolean;
}

/** Nodes, pods, budgets and what Kubernetes' controllers and kubelets do with them, on a virtual clock. */
export interface SimCluster {
  nodes: Map<string, Node>;
  pods: Map<string, SimPod>;
  budgets: Map<string, Budget>;
  /** What must never happen and did. */
  violations: string[];
  addNode(name: string, instanceId: string): void;
  addBudget(name: string, minAvailable: number): void;
  addPod(options: {
    name: string;
    node: string;
    budget?: string;
    grace: number;
    sticky: boolean;
    /** Its owner forbids every eviction. */
    kept?: boolean;
  }): void;
  evict(pod: { name: string; uid: string }, checkUid: boolean): EvictionOutcome;
  /** Deletes a pod past its budget, if the policy of its node asks for that now. */
  forceDelete(pod: { name: string; uid: string }, graceSeconds: number): EvictionOutcome;
  /** Replaces an annotation if the node is as it was seen. */
  patchNode(
    name: string,
    resourceVersion: string,
    annotation: string,
    text: string | null,
  ): Node | "conflict" | "gone";
  deleteNode(name: string): void;
  /** Somebody else deletes a pod. */
  deletePod(uid: string): void;
  podsOn(node: string): Pod[];
  watch(watcher: Watcher): () => void;
}

/** What the user's policy says about pods that are still on a node. */
export interface ForcePolicy {
  /** When the node must be empty, at the earliest that anybody could think, in milliseconds; never, if only waited for. */
  emptyBy(node: string): number;
  /** No request gets lost: nothing is a reason to ask twice. */
  isReliable(): boolean;
}

/** Until a pod whose grace is over is gone, at most. */
const kubeletMs = 1500;

export function createCluster(clock: Clock, dice: Dice, policy: ForcePolicy): SimCluster {
  const nodes = new Map<string, Node>();
  const pods = new Map<string, SimPod>();
  const budgets = new Map<string, Budget>();
  const violations: string[] = [];
  const watchers = new Set<{ watcher: Watcher; readyAt: number }>();
  let version = 1;
  let uids = 0;
  const next = () => `${++version}`;

  const metadata = (name: string, uid: string) => ({
    ...{ name, uid, namespace: "shop", resourceVersion: next(), generation: 1 },
    ...{ labels: {}, annotations: {} },
  });

  /** Each watcher hears of everything in order, each time a little later. */
  function announce(tell: (watcher: Watcher) => void): void {
    for (const entry of watchers) {
      const delay = dice.chance(0.08) ? dice.between(300, 5000) : dice.between(1, 300);
      entry.readyAt = Math.max(entry.readyAt, clock.now() + delay);
      clock.after(entry.readyAt - clock.now(), () => watchers.has(entry) && tell(entry.watcher));
    }
  }

  function setPod(entry: SimPod, pod: Pod): void {
    entry.pod = { ...pod, metadata: { ...pod.metadata, resourceVersion: next() } };
    const told = entry.pod;
    announce((watcher) => watcher.pod(told, false));
    if (entry.budget !== undefined) recount(entry.budget);
  }

  const healthyOf = (budget: string) =>
    [...pods.values()].filter(
      (entry) =>
        entry.budget === budget && entry.pod.ready && !entry.pod.metadata.deletionTimestamp,
    ).length;

  /** What the disruption controller does, a little later. */
  function recount(name: string): void {
    clock.after(dice.between(5, 150), () => count(name));
  }

  function count(name: string): void {
    const budget = budgets.get(name);
    if (budget === undefined) return;
    const currentHealthy = healthyOf(name);
    const disruptionsAllowed = Math.max(0, currentHealthy - budget.desiredHealthy);
    const same = currentHealthy === budget.currentHealthy;
    if (same && disruptionsAllowed === budget.disruptionsAllowed) return;
    setBudget({ ...budget, currentHealthy, disruptionsAllowed, disruptedPods: [] });
  }

  function setBudget(budget: Budget): void {
    const changed = { ...budget, metadata: { ...budget.metadata, resourceVersion: next() } };
    budgets.set(budget.metadata.name, changed);
    announce((watcher) => watcher.budget(changed));
  }

  function find(name: string): SimPod | undefined {
    return [...pods.values()].find(({ pod }) => pod.metadata.name === name);
  }

  /** Terminates a pod, or shortens the grace of one that terminates; its kubelet takes a moment longer. */
  function end(entry: SimPod, grace: number): void {
    const { pod } = entry;
    const endsAt = Math.min(clock.now() + grace * 1000, endOf(pod));
    const deletionTimestamp = new Date(endsAt).toISOString();
    setPod(entry, { ...pod, metadata: { ...pod.metadata, deletionTimestamp } });
    clock.after(dice.between(10, endsAt - clock.now() + kubeletMs), () => {
      if (!pods.delete(pod.metadata.uid)) return;
      const last = entry.pod;
      announce((watcher) => watcher.pod(last, true));
      clock.after(dice.between(10, entry.sticky ? 300 : 2000), () => replace(entry));
    });
  }

  /** When its grace is over; never, while it does not terminate. */
  function endOf({ metadata: { deletionTimestamp } }: Pod): number {
    return deletionTimestamp === undefined
      ? Number.POSITIVE_INFINITY
      : Date.parse(deletionTimestamp);
  }

  /** A pod may be forced when its own grace would just end in time, is given that grace, and once. */
  function judgeForce({ pod, forced }: SimPod, graceSeconds: number): string[] {
    const { name } = pod.metadata;
    const found: string[] = [];
    const emptyBy = policy.emptyBy(pod.nodeName ?? "");
    const own = pod.terminationGracePeriodSeconds;
    if (emptyBy === Number.POSITIVE_INFINITY) found.push(`${name} forced, against the policy`);
    else if (clock.now() < emptyBy - own * 1000) found.push(`${name} forced too early`);
    const left = Math.floor((emptyBy - clock.now()) / 1000);
    if (graceSeconds < 1) found.push(`${name} forced without grace`);
    else if (graceSeconds < Math.min(own, left)) found.push(`${name} forced with too little grace`);
    if (graceSeconds > own) found.push(`${name} forced with more grace than its own`);
    if (forced && policy.isReliable()) found.push(`${name} forced twice`);
    return found;
  }

  function replace({ pod, budget, sticky }: SimPod): void {
    const free = [...nodes.values()].find(({ spec }) => !spec.unschedulable);
    if (free === undefined || budget === undefined) return;
    const name = sticky ? pod.metadata.name : `${pod.metadata.name.slice(0, 20)}-${uids}`;
    const grace = pod.terminationGracePeriodSeconds;
    // Some take half an hour to become ready, and the drain waits for them.
    const readyAfter = dice.chance(0.1) ? dice.between(60_000, 1200_000) : dice.between(10, 5000);
    addPod({ name, node: free.metadata.name, budget, grace, sticky }, readyAfter);
  }

  function addPod(options: Parameters<SimCluster["addPod"]>[0], readyAfter = 0): void {
    const { name, node, budget, grace, sticky, kept = false } = options;
    const uid = `uid-${++uids}`;
    const pod: Pod = {
      metadata: {
        ...metadata(name, uid),
        labels: budget === undefined ? {} : { budget },
        annotations: kept ? { "karpenter.sh/do-not-disrupt": "true" } : {},
        controller: { kind: "ReplicaSet", name: "web" },
      },
      nodeName: node,
      phase: "Running",
      ready: readyAfter === 0,
      terminationGracePeriodSeconds: grace,
      priority: 0,
      tolerations: [],
      emptyDirs: [],
    };
    const entry: SimPod = {
      ...{ pod, sticky, accepted: 0, forced: false },
      ...(budget === undefined ? {} : { budget }),
    };
    pods.set(uid, entry);
    announce((watcher) => watcher.pod(pod, false));
    if (readyAfter > 0) {
      clock.after(readyAfter, () => {
        if (pods.has(uid)) setPod(entry, { ...entry.pod, ready: true });
      });
    } else if (budget !== undefined) recount(budget);
  }

  return {
    ...{ nodes, pods, budgets, violations, addPod },
    addNode(name, instanceId) {
      nodes.set(name, {
        metadata: metadata(name, `node-${++uids}`),
        spec: { providerID: `aws:///a/${instanceId}`, unschedulable: false, taints: [] },
        status: { conditions: [], nodeInfo: { bootID: "" } },
      });
    },
    addBudget(name, desiredHealthy) {
      const selector = { matchLabels: { budget: name } };
      const counts = {
        disruptionsAllowed: 0,
        currentHealthy: 0,
        desiredHealthy,
        disruptedPods: [],
      };
      const policy = {
        unhealthyPodEvictionPolicy: "IfHealthyBudget",
        observedGeneration: 1,
      } as const;
      budgets.set(name, {
        metadata: metadata(name, `budget-${++uids}`),
        selector,
        ...policy,
        ...counts,
      });
      recount(name);
    },
    evict({ name, uid }, checkUid) {
      const entry = find(name);
      if (entry === undefined) return { kind: "gone" };
      if (checkUid && entry.pod.metadata.uid !== uid) return { kind: "gone" };
      entry.accepted += 1;
      if (entry.accepted > 1) violations.push(`${name} (${entry.pod.metadata.uid}) evicted twice`);
      const node = nodes.get(entry.pod.nodeName ?? "");
      if (node !== undefined && !node.spec.unschedulable)
        violations.push(`${name} evicted from a node that stays`);
      if (entry.pod.metadata.deletionTimestamp !== undefined) return { kind: "accepted" };
      const budget = budgets.get(entry.budget ?? "");
      if (budget !== undefined && entry.pod.ready) {
        if (budget.disruptionsAllowed <= 0) {
          entry.accepted -= 1;
          return { kind: "later", message: "no room" };
        }
        const disruptedPods = [...budget.disruptedPods, name];
        const disruptionsAllowed = budget.disruptionsAllowed - 1;
        setBudget({ ...budget, disruptionsAllowed, disruptedPods });
        if (healthyOf(budget.metadata.name) - 1 < budget.desiredHealthy) {
          violations.push(`budget ${budget.metadata.name} violated`);
        }
      }
      end(entry, entry.pod.terminationGracePeriodSeconds);
      return { kind: "accepted" };
    },
    forceDelete({ uid }, graceSeconds) {
      const entry = pods.get(uid);
      if (entry === undefined) return { kind: "gone" };
      violations.push(...judgeForce(entry, graceSeconds));
      entry.forced = true;
      end(entry, graceSeconds);
      if (entry.budget !== undefined) count(entry.budget);
      return { kind: "accepted" };
    },
    patchNode(name, resourceVersion, annotation, text) {
      const node = nodes.get(name);
      if (node === undefined) return "gone";
      if (node.metadata.resourceVersion !== resourceVersion) return "conflict";
      const { [annotation]: _, ...annotations } = node.metadata.annotations;
      if (text !== null) annotations[annotation] = text;
      const changed: Node = {
        ...node,
        metadata: { ...node.metadata, annotations, resourceVersion: next() },
        spec: { ...node.spec, unschedulable: node.spec.unschedulable || text !== null },
      };
      nodes.set(name, changed);
      const id = node.spec.providerID.split("/").at(-1) ?? "";
      announce((watcher) => watcher.node(changed, id));
      return changed;
    },
    deleteNode(name) {
      const node = nodes.get(name);
      nodes.delete(name);
      const id = node?.spec.providerID.split("/").at(-1) ?? "";
      announce((watcher) => watcher.node(undefined, id));
    },
    deletePod(uid) {
      const entry = pods.get(uid);
      if (entry === undefined || entry.pod.metadata.deletionTimestamp !== undefined) return;
      end(entry, 1);
      if (entry.budget !== undefined) count(entry.budget);
    },
    podsOn: (node) =>
      [...pods.values()].map(({ pod }) => pod).filter(({ nodeName }) => nodeName === node),
    watch(watcher) {
      const entry = { watcher, readyAt: clock.now() };
      watchers.add(entry);
      return () => watchers.delete(entry);
    },
  };
}
