import type { HookSettings, LifecycleAction, LifecycleHooks } from "./lifecycle-hooks.ts";

/** An action that is being held. */
export interface Hold {
  action: LifecycleAction;
  /** When holding it ends whatever we do, in milliseconds; infinite until the hook's settings are known. */
  limitAt(): number;
  /** Whether the action is still active, by the last answer. */
  state(): "unknown" | "held" | "gone";
  /** When the last heartbeat was accepted. */
  heldAt(): number | undefined;
  /** Sends a heartbeat now. */
  probe(): Promise<"unknown" | "held" | "gone">;
  /** Stops the heartbeats. */
  release(): void;
}

export interface HoldOptions {
  hooks: LifecycleHooks;
  action: LifecycleAction;
  /** When the action began, in milliseconds: its global limit counts from there. */
  startedAt: number;
  onChange(state: "held" | "gone"): void;
  onFailure(error: unknown): void;
}

/** Until a hook's settings are known it may be one of the shortest, 30 s. */
const unknownInterval = 10_000;
const retryMs = 5000;

/**
 * Holds an action: a heartbeat now and then every third of the hook's time-out, so that two can be lost.
 * A failed one is repeated soon. It stops when the action is gone or released.
 */
export function holdAction(options: HoldOptions): Hold {
  const { hooks, action, startedAt, onChange, onFailure } = options;
  const ending = new AbortController();
  const { signal } = ending;
  let settings: HookSettings | undefined;
  let state: ReturnType<Hold["state"]> = "unknown";
  let heldAt: number | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function beat(): Promise<typeof state> {
    clearTimeout(timer);
    let wait = settings === undefined ? unknownInterval : settings.heartbeatMs / 3;
    try {
      const answer = await hooks.heartbeat(action, signal);
      if (answer === "held") heldAt = Date.now();
      if (state !== answer) onChange(answer);
      state = answer;
    } catch (error) {
      if (signal.aborted) return state;
      onFailure(error);
      wait = Math.min(wait, retryMs);
    }
    if (state !== "gone" && !signal.aborted) timer = setTimeout(() => void beat(), wait);
    return state;
  }

  async function learn(): Promise<void> {
    try {
      const all = await hooks.settings(action.asg, signal);
      settings = all.find(({ name }) => name === action.hook);
      if (settings === undefined || signal.aborted || state === "gone") return;
      clearTimeout(timer);
      const elapsed = heldAt === undefined ? 0 : Date.now() - heldAt;
      timer = setTimeout(() => void beat(), Math.max(0, settings.heartbeatMs / 3 - elapsed));
    } catch (error) {
      if (signal.aborted) return;
      onFailure(error);
      setTimeout(() => void learn(), retryMs).unref();
    }
  }

  const first = beat();
  void first.then(learn);
  return {
    action,
    limitAt: () =>
      settings === undefined ? Number.POSITIVE_INFINITY : startedAt + settings.limitMs,
    state: () => state,
    heldAt: () => heldAt,
    probe: () => (state === "unknown" && heldAt === undefined ? first : beat()),
    release() {
      ending.abort();
      clearTimeout(timer);
    },
  };
}
