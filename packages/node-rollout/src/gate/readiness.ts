import type { V1Node, V1NodeCondition, V1Pod } from "@kubernetes/client-node";
import { instantOf, secondsText } from "../time.ts";
import { type Boot, bootOf } from "./readiness-boot.ts";

/** What must hold before a node may take pods and count as rolled out. */
export interface ReadinessRule {
  /** Conditions of the node, each with the status that is good: `Ready` `True`, `KernelDeadlock` `False`. */
  conditions: { type: string; status: "True" | "False" }[];
  /** Seconds since a condition's last heartbeat; one that is older does not count. @default no limit */
  maxAgeSeconds?: number;
  /** Seconds for which a condition must have had its status. @default 0 */
  stableSeconds?: number;
  /** Seconds since the node was created. @default 0 */
  minNodeAgeSeconds?: number;
  /** DaemonSets whose pod on this node must be Ready. */
  daemonSets?: { namespace: string; name: string }[];
}

/** One demand of the rule: whether it is met, and why (not). */
export interface ReadinessReason {
  /** The condition's type, `NodeAge`, or `DaemonSet NAMESPACE/NAME`. */
  condition: string;
  ok: boolean;
  message: string;
}

/** A node's readiness with a reason for every demand of the rule, in the rule's order. */
export interface Readiness {
  ready: boolean;
  reasons: ReadinessReason[];
}

/**
 * Tells whether a node is ready by a rule. What is absent, `Unknown`, or reported before the node (last) booted
 * is never good, whichever status the rule asks for: node-problem-detector publishes `False` before it has checked
 * anything, and the API server keeps the conditions of a node that is off.
 *
 * @param node a `v1` Node
 * @param now the instant to judge at
 * @param pods the pods on the node (others are ignored); needed when the rule names DaemonSets
 */
export function evaluateReadiness(
  node: object,
  rule: ReadinessRule,
  now: Date,
  pods?: object[],
): Readiness {
  const subject = node as V1Node;
  const boot = bootOf(subject);
  const reasons = rule.conditions.map((wanted) => {
    const found = subject.status?.conditions?.find(({ type }) => type === wanted.type);
    const problem = conditionProblem(found, wanted.status, rule, boot, now);
    return reason(wanted.type, problem, `is ${wanted.status}`);
  });
  if (rule.minNodeAgeSeconds !== undefined) {
    const problem = ageProblem(subject, rule.minNodeAgeSeconds, now);
    reasons.push(reason("NodeAge", problem, `is at least ${secondsText(rule.minNodeAgeSeconds)}`));
  }
  for (const { namespace, name } of rule.daemonSets ?? []) {
    const problem = daemonSetProblem(subject, namespace, name, pods as V1Pod[] | undefined);
    reasons.push(reason(`DaemonSet ${namespace}/${name}`, problem, "its pod is Ready"));
  }
  return { ready: reasons.every(({ ok }) => ok), reasons };
}

function reason(condition: string, problem: string | undefined, good: string): ReadinessReason {
  return { condition, ok: problem === undefined, message: problem ?? good };
}

function conditionProblem(
  condition: V1NodeCondition | undefined,
  wanted: "True" | "False",
  { maxAgeSeconds, stableSeconds = 0 }: ReadinessRule,
  boot: Boot,
  now: Date,
): string | undefined {
  if (condition === undefined) return "is absent: nothing has reported it yet";
  const { status } = condition;
  const why = condition.reason ? ` (${condition.reason})` : "";
  if (status !== "True" && status !== "False") return `is ${status}${why}`;
  if (status !== wanted) return `is ${status}${why}, expected ${wanted}`;
  return (
    freshnessProblem(condition, maxAgeSeconds, boot, now) ??
    stabilityProblem(condition, stableSeconds, now)
  );
}

/** A condition counts from its heartbeat; one that carries none, from its last transition. */
function freshnessProblem(
  { status, lastHeartbeatTime, lastTransitionTime }: V1NodeCondition,
  maxAgeSeconds: number | undefined,
  boot: Boot,
  now: Date,
): string | undefined {
  const heartbeat = instantOf(lastHeartbeatTime);
  if (boot.unseen) return `is ${status}, from before the node's reboot`;
  if (boot.at !== undefined) {
    const reported = heartbeat ?? instantOf(lastTransitionTime);
    if (reported === undefined) return `is ${status}, with no time at which it was reported`;
    if (reported < boot.at) {
      return `is ${status}, reported before the node ${boot.again ? "rebooted" : "was created"}`;
    }
  }
  if (maxAgeSeconds === undefined) return undefined;
  if (heartbeat === undefined) return `is ${status}, with no heartbeat`;
  const age = (now.getTime() - heartbeat) / 1000;
  // A clock that is ahead would keep a dead reporter's condition fresh.
  if (age < -maxAgeSeconds) return `is ${status}, with a heartbeat ${secondsText(-age)} ahead`;
  if (age <= maxAgeSeconds) return undefined;
  return `is ${status}, but its last heartbeat was ${secondsText(age)} ago (limit ${secondsText(maxAgeSeconds)})`;
}

function stabilityProblem(
  { status, lastTransitionTime }: V1NodeCondition,
  stableSeconds: number,
  now: Date,
): string | undefined {
  if (stableSeconds <= 0) return undefined;
  const changed = instantOf(lastTransitionTime);
  if (changed === undefined) return `is ${status}, with no time since when`;
  const seconds = (now.getTime() - changed) / 1000;
  if (seconds >= stableSeconds) return undefined;
  return `is ${status} for ${secondsText(seconds)}, expected ${secondsText(stableSeconds)}`;
}

function ageProblem(node: V1Node, minSeconds: number, now: Date): string | undefined {
  const created = instantOf(node.metadata?.creationTimestamp);
  if (created === undefined) return "is unknown: the node has no creation time";
  const age = (now.getTime() - created) / 1000;
  if (age >= minSeconds) return undefined;
  return `is ${secondsText(age)}, expected ${secondsText(minSeconds)}`;
}

function daemonSetProblem(
  node: V1Node,
  namespace: string,
  name: string,
  pods: V1Pod[] | undefined,
): string | undefined {
  if (pods === undefined) return "is unknown: the node's pods were not given";
  const own = pods.filter(
    ({ metadata, spec }) =>
      spec?.nodeName === node.metadata?.name &&
      metadata?.namespace === namespace &&
      metadata.ownerReferences?.some((owner) => owner.kind === "DaemonSet" && owner.name === name),
  );
  if (own.length === 0) return "has no pod on this node";
  if (own.some(isReady)) return undefined;
  const [first] = own;
  const state = first?.metadata?.deletionTimestamp ? "terminating" : "not Ready";
  return `its pod ${first?.metadata?.name ?? ""} is ${state}`;
}

function isReady({ metadata, status }: V1Pod): boolean {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return !metadata?.deletionTimestamp && ready?.status === "True";
}
