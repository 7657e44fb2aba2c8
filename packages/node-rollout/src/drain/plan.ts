import {
  type Budget,
  doNotDisruptAnnotations,
  mirrorAnnotation,
  type Pod,
  type Toleration,
  toBudget,
  toPod,
  unschedulableTaint,
} from "../kubernetes/objects.ts";
import { selects } from "../kubernetes/selector.ts";

/** What is to become of a pod of a node that is drained. */
export interface PodVerdict {
  pod: { namespace: string; name: string; uid: string };
  /** `evict` it; `skip` it, it may stay; `block`: it must not be evicted, and the node is not empty while it runs. */
  action: "evict" | "skip" | "block";
  reason: string;
  /** Critical pods, the system's, go after all application pods are gone. */
  group: "application" | "critical";
  /** Seconds it gets to end, at least 1. */
  graceSeconds: number;
}

/** Which pods may be evicted. */
export interface DrainPolicy {
  /** Leave DaemonSet pods alone; false blocks on them. @default true */
  ignoreDaemonSets?: boolean;
  /** Evict pods although the data in their emptyDir volumes is lost. @default false */
  deleteEmptyDir?: boolean;
  /** Evict pods that no controller starts again. @default false */
  evictUnreplicated?: boolean;
  /** Seconds each pod gets to end; negative or left out: the pod's own. */
  graceSeconds?: number;
  /** The same for critical pods. @default as `graceSeconds` */
  criticalGraceSeconds?: number;
  /** The pod this runs in, which goes last. */
  ownPodUid?: string;
}

/** What a drain would do, in the order it would do it. */
export interface DrainPlan {
  pods: PodVerdict[];
  /** Those of `pods` that block. */
  blocked: PodVerdict[];
}

/**
 * Decides what a drain does with each pod of a node, without doing it.
 *
 * @param pods the node's pods, as the API server gives them
 * @param budgets PodDisruptionBudgets of at least the pods' namespaces, as the API server gives them
 */
export function planDrain(pods: object[], budgets: object[], policy: DrainPolicy = {}): DrainPlan {
  const known = budgets.map(toBudget);
  const verdicts = pods.map((object) => {
    const pod = toPod(object);
    return judgePod(pod, budgetsOf(pod, known), policy);
  });
  const ordered = verdicts.toSorted((a, b) => turnOf(a, policy) - turnOf(b, policy));
  return { pods: ordered, blocked: ordered.filter(({ action }) => action === "block") };
}

/** The budgets that select a pod. */
export function budgetsOf(pod: Pod, budgets: readonly Budget[]): Budget[] {
  return budgets.filter(
    ({ metadata, selector }) =>
      metadata.namespace === pod.metadata.namespace && selects(selector, pod.metadata.labels),
  );
}

/** Application pods go first, then critical ones, then the pod we run in. */
export function turnOf({ group, pod }: PodVerdict, { ownPodUid }: DrainPolicy): number {
  if (pod.uid !== "" && pod.uid === ownPodUid) return 2;
  return group === "critical" ? 1 : 0;
}

/** One pod's verdict. */
export function judgePod(pod: Pod, budgets: readonly Budget[], policy: DrainPolicy): PodVerdict {
  const { namespace, name, uid } = pod.metadata;
  const [action, reason] = judge(pod, budgets, policy);
  const group = isCritical(pod) || isOwn(pod, policy) ? "critical" : "application";
  return {
    pod: { namespace, name, uid },
    action,
    reason,
    group,
    graceSeconds: graceOf(pod, group, policy),
  };
}

function isOwn({ metadata }: Pod, { ownPodUid }: DrainPolicy): boolean {
  return metadata.uid !== "" && metadata.uid === ownPodUid;
}

function isCritical({ priorityClassName, priority }: Pod): boolean {
  return (
    priority >= 2_000_000_000 || /^system-(cluster|node)-critical$/.test(priorityClassName ?? "")
  );
}

/** Grace 0 would take the pod out of the API at once, while its processes may still run; the API takes whole seconds. */
function graceOf(pod: Pod, group: PodVerdict["group"], policy: DrainPolicy): number {
  const { graceSeconds, criticalGraceSeconds } = policy;
  const asked = (group === "critical" ? criticalGraceSeconds : undefined) ?? graceSeconds ?? -1;
  return Math.max(1, Math.ceil(asked >= 0 ? asked : pod.terminationGracePeriodSeconds));
}

type Judgement = [action: PodVerdict["action"], reason: string];

/** The rules in order; the first that has an answer decides. */
function judge(pod: Pod, budgets: readonly Budget[], policy: DrainPolicy): Judgement {
  return (
    judgeMirror(pod) ??
    judgeFinished(pod) ??
    judgeDaemonSet(pod, policy) ??
    judgeTerminating(pod) ??
    judgeTolerations(pod) ??
    judgeObstacles(pod, budgets, policy) ??
    judgeOrdinary(pod, budgets, policy)
  );
}

/** Everything that keeps a pod here is told at once: nobody wants to find the next obstacle after removing one. */
function judgeObstacles(
  pod: Pod,
  budgets: readonly Budget[],
  policy: DrainPolicy,
): Judgement | undefined {
  const reasons = [
    doNotDisruptOf(pod),
    unreplicatedOf(pod, policy),
    emptyDirOf(pod, policy),
    twoBudgetsOf(pod, budgets),
  ].filter((reason) => reason !== undefined);
  return reasons.length === 0 ? undefined : ["block", reasons.join("; ")];
}

function judgeMirror({ metadata }: Pod): Judgement | undefined {
  const isMirror =
    metadata.annotations[mirrorAnnotation] !== undefined || metadata.controller?.kind === "Node";
  return isMirror
    ? ["skip", "mirror of a static pod, which only the node itself can end"]
    : undefined;
}

function judgeFinished({ phase }: Pod): Judgement | undefined {
  const finished = phase === "Succeeded" || phase === "Failed";
  return finished ? ["skip", `finished (${phase}), nothing runs in it`] : undefined;
}

function judgeDaemonSet({ metadata }: Pod, policy: DrainPolicy): Judgement | undefined {
  if (metadata.controller?.kind !== "DaemonSet") return undefined;
  const owner = `DaemonSet ${metadata.controller.name}`;
  return (policy.ignoreDaemonSets ?? true)
    ? ["skip", `${owner} would start it again on this node`]
    : ["block", `${owner} would start it again on this node; ignoreDaemonSets leaves it alone`];
}

/** It counts until it is gone, but needs no eviction. */
function judgeTerminating({ metadata }: Pod): Judgement | undefined {
  return metadata.deletionTimestamp === undefined
    ? undefined
    : ["skip", "terminating already, only waited for"];
}

function doNotDisruptOf({ metadata }: Pod): string | undefined {
  const found = Object.entries(doNotDisruptAnnotations).find(
    ([key, value]) => metadata.annotations[key] === value,
  );
  return found && `must not be disrupted: annotation ${found[0]}: "${found[1]}"`;
}

/** One that must not be disrupted is not left to die with its node either. */
function judgeTolerations(pod: Pod): Judgement | undefined {
  return doNotDisruptOf(pod) === undefined && pod.tolerations.some(toleratesCordon)
    ? ["skip", "tolerates a cordoned node (everything, or unschedulable) and would come back to it"]
    : undefined;
}

function toleratesCordon({ key = "", operator = "Equal", value = "", effect = "" }: Toleration) {
  if (effect !== "" && effect !== "NoSchedule") return false;
  if (operator === "Exists") return key === "" || key === unschedulableTaint;
  return key === unschedulableTaint && value === "";
}

function unreplicatedOf({ metadata }: Pod, policy: DrainPolicy): string | undefined {
  if (metadata.controller !== undefined || policy.evictUnreplicated) return undefined;
  return "unreplicated: no controller starts it again; evictUnreplicated evicts it anyway";
}

function emptyDirOf({ emptyDirs }: Pod, policy: DrainPolicy): string | undefined {
  if (emptyDirs.length === 0 || policy.deleteEmptyDir) return undefined;
  return `emptyDir ${emptyDirs.join(", ")} would be lost; deleteEmptyDir evicts it anyway`;
}

/** The eviction API answers 500 for such a pod, always, unless it does not run yet. */
function twoBudgetsOf({ phase }: Pod, budgets: readonly Budget[]): string | undefined {
  if (budgets.length < 2 || phase === "Pending") return undefined;
  return severalBudgets(budgets);
}

/** In words, that the API never evicts a pod which several budgets select. */
export function severalBudgets(budgets: readonly Budget[]): string {
  const count = budgets.length === 2 ? "two" : budgets.length;
  const names = budgets.map(({ metadata }) => metadata.name).toSorted();
  return `${count} PodDisruptionBudgets select it (${names.join(", ")}): it can never be evicted`;
}

function judgeOrdinary(pod: Pod, [budget]: readonly Budget[], policy: DrainPolicy): Judgement {
  const { controller } = pod.metadata;
  const reason = isOwn(pod, policy)
    ? "own pod, goes last"
    : controller === undefined
      ? "unreplicated, evicted as asked"
      : `${controller.kind} ${controller.name} starts it again elsewhere`;
  const isHeld = budget?.disruptionsAllowed === 0 && pod.ready;
  const held = `; PodDisruptionBudget ${budget?.metadata.name} allows none at present`;
  return ["evict", isHeld ? `${reason}${held}` : reason];
}
