import { obstacles, type Wait } from "../wait.ts";
import type { PodVerdict } from "./plan.ts";
import type { DrainProgress } from "./progress.ts";

/** How far one node's drain is. */
export interface DrainTally {
  node: string;
  /** `planned` until something is done; `blocked` when the plan says that it cannot be. */
  result: "planned" | "blocked" | "draining" | "drained" | "timedOut" | "nodeGone";
  /** The pods that have to go, gone ones among them. */
  total: number;
  gone: number;
  plan: PodVerdict[];
  /** What must be ended by something or somebody. */
  waits: Wait[];
  durationMs?: number;
}

/** Counts one node's progress. */
export function createTally(node: string): {
  tally: DrainTally;
  add(progress: DrainProgress): void;
} {
  const going = new Set<string>();
  const tally: DrainTally = { node, result: "planned", total: 0, gone: 0, plan: [], waits: [] };
  return {
    tally,
    add(progress) {
      switch (progress.type) {
        case "planned":
          tally.plan = progress.pods;
          if (progress.blocked.length > 0) tally.result = "blocked";
          for (const { action, pod } of progress.pods) if (action === "evict") going.add(pod.uid);
          break;
        case "cordoned":
          tally.result = "draining";
          break;
        case "evicted":
        case "forced":
          going.add(progress.pod.uid); // one that came after the plan, perhaps
          break;
        case "gone":
          if (going.has(progress.pod.uid)) tally.gone += 1;
          break;
        case "waiting":
          tally.waits = obstacles(progress.waits);
          break;
        case "timedOut":
          tally.result = progress.type;
          tally.waits = progress.waits;
          break;
        case "nodeGone":
          tally.result = progress.type;
          break;
        case "drained":
          tally.result = progress.type;
          tally.durationMs = progress.durationMs;
          tally.waits = [];
          break;
      }
      tally.total = going.size;
    },
  };
}
