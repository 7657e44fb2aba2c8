import type { LifecycleHooks } from "../aws/lifecycle-hooks.ts";
import type { Config } from "../config.ts";
import type { DaemonEvent } from "../daemon/event.ts";
import type { BudgetFeed } from "../drain/budgets.ts";
import type { Kubernetes } from "../kubernetes/kubernetes.ts";
import type { NodeIndex } from "../kubernetes/node-index.ts";
import type { TokenBucket } from "../kubernetes/token-bucket.ts";
import type { Inbox } from "./inbox.ts";
import type { Sightings } from "./sightings.ts";

/** What all rollouts of a daemon share. */
export interface RolloutContext {
  config: Config;
  /** Our name in the nodes' records. */
  replica: string;
  kubernetes: Kubernetes;
  hooks: LifecycleHooks;
  inbox: Inbox;
  nodes: NodeIndex;
  sightings: Sightings;
  budgets: BudgetFeed;
  bucket: TokenBucket;
  ownPodUid?: string | undefined;
  /** Aborts when the work is handed over. */
  signal: AbortSignal;
  tell(event: DaemonEvent): void;
}
