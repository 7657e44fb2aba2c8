/** A JSON object whose fields nobody promised. */
export type Fields = Record<string, unknown>;

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface Metadata {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
}

/** A Kubernetes object as it travels: every instant is a string. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  spec?: Fields;
  status?: Fields;
  [field: string]: unknown;
}

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastHeartbeatTime?: string;
  observedGeneration?: number;
}

export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
}

export interface Pod extends KubeObject {
  spec: Fields & {
    nodeName?: string;
    terminationGracePeriodSeconds?: number;
    tolerations?: Toleration[];
    nodeSelector?: Record<string, string>;
  };
  status: Fields & { phase?: string; conditions?: Condition[] };
}

export interface Node extends KubeObject {
  spec: Fields & {
    unschedulable?: boolean;
    taints?: { key: string; value?: string; effect: string }[];
  };
  status: Fields & { conditions?: Condition[] };
}

/** The object by which an owner is found: the controller's reference, or none. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/** Whether a condition of the object is True. */
export function conditionIsTrue(object: KubeObject, type: string): boolean {
  const conditions = (object.status?.["conditions"] ?? []) as Condition[];
  return conditions.some((condition) => condition.type === type && condition.status === "True");
}

/** Whether the pod has ended for good and holds nothing any more. */
export function isTerminal(pod: KubeObject): boolean {
  return ["Succeeded", "Failed"].includes(String(pod.status?.["phase"]));
}

/** An instant as the API server writes it: UTC, whole seconds. */
export function timestamp(at: number = Date.now()): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Whether two JSON values are the same, whatever the order of their fields. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object") return false;
  if (left === null || right === null || Array.isArray(left) !== Array.isArray(right)) return false;
  const [one, other] = [left as Fields, right as Fields];
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && sameJson(one[key], other[key]))
  );
}
