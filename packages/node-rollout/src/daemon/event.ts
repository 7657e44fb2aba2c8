import type { DrainProgress } from "../drain/progress.ts";
import type { Wait } from "../wait.ts";

/**
 * What became of a message: `foreign` and `malformed` ones, and `launching` ones where there is no readiness gate,
 * stay in the queue, for others or its dead-letter queue.
 */
export type MessageOutcome = "taken" | "ignored" | "foreign" | "launching" | "malformed";

/** What happens in the daemon, for logs and metrics. */
export type DaemonEvent =
  | { type: "message"; id: string; outcome: MessageOutcome; reason: string }
  | { type: "begun"; instanceId: string; node: string }
  | { type: "progress"; instanceId: string; node: string; progress: DrainProgress }
  /** What an instance waits for has changed; what its drain waits for is in its progress, too. */
  | { type: "waiting"; instanceId: string; waits: Wait[] }
  /** A drain takes longer than it should; it goes on. */
  | { type: "alarm"; instanceId: string; node: string }
  | { type: "heartbeat"; instanceId: string; hook: string; state: "held" | "gone" }
  | {
      type: "completed";
      instanceId: string;
      asg: string;
      hook: string;
      result: "completed" | "gone";
    }
  /** What the readiness gate did, or waits for. */
  | { type: "gate"; instanceId: string; node?: string; step: GateStep; message?: string }
  /** A launch hook was answered. */
  | {
      type: "answered";
      instanceId: string;
      asg: string;
      hook: string;
      answer: "CONTINUE" | "ABANDON";
      result: "completed" | "gone";
    }
  /** CloudFormation was told about an instance. */
  | {
      type: "signalled";
      instanceId: string;
      stack: string;
      resource: string;
      status: "SUCCESS" | "FAILURE";
    }
  | { type: "ended"; instanceId: string; outcome: RolloutOutcome; durationMs: number }
  /** A request failed and is tried again. */
  | { type: "failed"; what: string; error: unknown }
  /** What is needed all the time, `follow nodes` or `receive messages`, had failed and works again. */
  | { type: "recovered"; what: string };

/**
 * `gated`: a new node waits behind the taint. `waiting`: for what its message says. `tainted-again`: it has booted
 * again. `good`, `bad`: those who wait for it were told. `untainted`: it takes pods.
 */
export type GateStep = "gated" | "waiting" | "tainted-again" | "good" | "bad" | "untainted";

/**
 * `drained`: nothing is left on the node. `limit`: the hook can be held no longer. `gone`: the action was over
 * before. `node-gone`: the node's object was deleted before. `unknown`: the instance is no node of this cluster.
 * `handed-over`: this process ends, another goes on.
 */
export type RolloutOutcome = "drained" | "limit" | "gone" | "node-gone" | "unknown" | "handed-over";
