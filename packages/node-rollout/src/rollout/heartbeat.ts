import type { LifecycleAction, LifecycleHooks } from "../aws/lifecycle-hooks.ts";
import { createHeart, type HoldState } from "./heart.ts";

/** An action that is being held. */
export interface Hold {
  action: LifecycleAction;
  /** For how long it can be held from its beginning, whatever we do, in milliseconds. */
  limitMs(): number;
  /** Whether the action is still active, by the last answer. */
  state(): HoldState;
  /** When the last heartbeat was accepted. */
  heldAt(): number | undefined;
  /** Sends a heartbeat now, unless one is on its way; resolves with what is known then. */
  probe(): Promise<HoldState>;
  /** Stops the heartbeats. */
  release(): void;
}

export interface HoldOptions {
  hooks: LifecycleHooks;
  action: LifecycleAction;
  onChange(state: "held" | "gone"): void;
  onFailure(error: unknown): void;
}

const retryMs = 5000;

/**
 * Holds an action: a heartbeat now and whenever the next is due, on timers of its own, until the action is
 * gone or released.
 */
export function holdAction(options: HoldOptions): Hold {
  const { hooks, action, onChange, onFailure } = options;
  const ending = new AbortController();
  const { signal } = ending;
  const heart = createHeart();
  let sending: Promise<HoldState> | undefined;
  let timer: NodeJS.Timeout | undefined;

  function beat(): Promise<HoldState> {
    clearTimeout(timer);
    sending ??= send().finally(() => {
      sending = undefined;
      plan();
    });
    return sending;
  }

  async function send(): Promise<HoldState> {
    try {
      const answer = await hooks.heartbeat(action, signal);
      const before = heart.state();
      heart.answered(answer, Date.now());
      if (before !== answer && !signal.aborted) onChange(answer);
    } catch (error) {
      heart.answered("failed", Date.now());
      if (!signal.aborted) onFailure(error);
    }
    return heart.state();
  }

  function plan(): void {
    clearTimeout(timer);
    if (signal.aborted || heart.state() === "gone") return;
    timer = setTimeout(() => void beat(), Math.max(0, heart.dueAt() - Date.now()));
  }

  async function learn(): Promise<void> {
    try {
      const settings = await hooks.settingsOf(action.asg, action.hook);
      if (settings === undefined || signal.aborted) return;
      heart.learned(settings);
      if (sending === undefined) plan();
    } catch (error) {
      if (signal.aborted) return;
      onFailure(error);
      setTimeout(() => void learn(), retryMs).unref();
    }
  }

  void beat().then(learn);
  return {
    action,
    limitMs: heart.limitMs,
    state: heart.state,
    heldAt: heart.heldAt,
    probe: beat,
    release() {
      ending.abort();
      clearTimeout(timer);
    },
  };
}
