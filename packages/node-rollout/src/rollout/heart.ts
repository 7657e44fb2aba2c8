import type { HookSettings } from "../aws/lifecycle-hooks.ts";

/** Whether an action is still active, by the last answer. */
export type HoldState = "unknown" | "held" | "gone";

/** Decides when an action's heartbeats are due. It has no clock. */
export interface Heart {
  state(): HoldState;
  /** When the next heartbeat is due, in milliseconds of the clock. */
  dueAt(): number;
  /** When the last one was accepted. */
  heldAt(): number | undefined;
  answered(answer: "held" | "gone" | "failed", now: number): void;
  /** The hook's settings became known. */
  learned(settings: Pick<HookSettings, "heartbeatMs" | "limitMs">): void;
  /** For how long heartbeats can hold an action from its beginning, in milliseconds. */
  limitMs(): number;
}

/** Until a hook's settings are known it may be one of the shortest, 30 s. */
const unknownInterval = 10_000;
const retryMs = 5000;
/** No hook holds an instance longer. */
const longestMs = 48 * 3600_000;

/**
 * A heartbeat at once and then every third of the hook's time-out, so that two can be lost; a failed one is
 * repeated soon.
 */
export function createHeart(): Heart {
  let state: HoldState = "unknown";
  let interval = unknownInterval;
  let limitMs = longestMs;
  let dueAt = Number.NEGATIVE_INFINITY;
  let heldAt: number | undefined;
  return {
    state: () => state,
    dueAt: () => (state === "gone" ? Number.POSITIVE_INFINITY : dueAt),
    heldAt: () => heldAt,
    limitMs: () => limitMs,
    answered(answer, now) {
      if (answer === "held") heldAt = now;
      if (answer !== "failed") state = answer;
      dueAt = now + (answer === "failed" ? Math.min(interval, retryMs) : interval);
    },
    learned(settings) {
      interval = settings.heartbeatMs / 3;
      limitMs = settings.limitMs;
      if (heldAt !== undefined) dueAt = heldAt + interval;
    },
  };
}
