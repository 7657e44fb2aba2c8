import type { Groups } from "../aws/groups.ts";
import type { LifecycleHooks } from "../aws/lifecycle-hooks.ts";
import type { Queue } from "../aws/queue.ts";
import type { Signals } from "../aws/signals.ts";
import type { DaemonEvent } from "../daemon/event.ts";
import type { Kubernetes } from "../kubernetes/kubernetes.ts";
import type { NodeIndex } from "../kubernetes/node-index.ts";
import type { ReadinessConfig } from "./readiness-config.ts";

export interface GateOptions {
  readiness: ReadinessConfig;
  /** The annotation of nodes that drain. */
  recordAnnotation: string;
  queueUrl: string;
  /** How often lost messages are looked for. */
  reconcileMs: number;
  kubernetes: Kubernetes;
  nodes: NodeIndex;
  groups: Groups;
  hooks: LifecycleHooks;
  signals: Signals;
  queue: Queue;
  /** Aborts when the work is handed over. */
  signal: AbortSignal;
  tell(event: DaemonEvent): void;
}

/** What the passages of a gate share. */
export interface GateContext extends GateOptions {
  /** Has everything looked at again soon. */
  wake(): void;
  /** Why an instance's group should not go on with its next nodes now. */
  brake(instanceId: string, since: number): Promise<string | undefined>;
}
