import type { Wait } from "../wait.ts";
import type { EvictionOutcome } from "./eviction.ts";
import type { PodVerdict } from "./plan.ts";

/** What happens while a node is drained. */
export type DrainProgress =
  /** What is going to be done; with `dryRun` the only event. */
  | { type: "planned"; pods: PodVerdict[]; blocked: PodVerdict[] }
  | { type: "cordoned"; node: string }
  | { type: "evicted" | "forced" | "gone"; pod: PodVerdict["pod"] }
  | { type: "refused"; pod: PodVerdict["pod"]; outcome: EvictionOutcome }
  /** What is waited for has changed. */
  | { type: "waiting"; waits: Wait[] }
  /** A request failed and is tried again. */
  | { type: "failed"; error: unknown }
  | { type: "timedOut"; waits: Wait[] }
  /** Somebody deleted the node: what was on it ends without us. */
  | { type: "nodeGone"; node: string }
  | { type: "drained"; pods: number; durationMs: number };
