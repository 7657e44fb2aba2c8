import type { LifecycleAction } from "../aws/lifecycle-hooks.ts";
import type { Received } from "../aws/queue.ts";
import { type Hold, holdAction } from "../rollout/heartbeat.ts";
import type { GateContext } from "./context.ts";

/** A launch hook that holds an instance, and the message that told of it, if one did. */
export interface LaunchAction {
  action: LifecycleAction;
  /** When it began, in milliseconds. */
  since: number;
  message?: Received;
}

/** The launch hooks that hold one instance, and the messages that told of them. */
export interface PassageHooks {
  /** Takes an action; its heartbeats begin at once. */
  join(launch: LaunchAction): void;
  /** Resolves when it is known of each whether it still holds. */
  known(): Promise<void>;
  active(): number;
  /** When the first of them can be held no longer, in milliseconds. */
  limitAt(): number;
  /** Answers all of them. */
  answer(answer: "CONTINUE" | "ABANDON"): Promise<void>;
  /** Deletes the messages when none holds any more. */
  settle(): Promise<void>;
  messages(): Received[];
  isEmpty(): boolean;
  close(): void;
}

/** Before a hook's global limit it gets its answer, brake or not: afterwards the group decides. */
const limitMarginMs = 30_000;

export function holdPassage(instanceId: string, context: GateContext): PassageHooks {
  const { hooks, queue, signal, tell } = context;
  const holds = new Map<string, Hold>();
  const messages = new Map<string, Received>();
  const active = () => [...holds.values()].filter((hold) => hold.state() !== "gone");

  async function end(key: string, hold: Hold, answer: "CONTINUE" | "ABANDON"): Promise<void> {
    const { action } = hold;
    const { asg, hook } = action;
    const result = hold.state() === "gone" ? "gone" : await hooks.complete(action, answer, signal);
    release(key, hold);
    tell({ type: "answered", instanceId, asg, hook, answer, result });
  }

  function release(key: string, hold: Hold): void {
    hold.release();
    holds.delete(key);
  }

  return {
    join({ action, since, message }) {
      if (message !== undefined) messages.set(message.id, message);
      const { asg, hook, token = "" } = action;
      const key = `${asg} ${hook} ${token}`;
      if (holds.has(key)) return;
      const held = holdAction({
        ...{ hooks, action, startedAt: since },
        onChange: (state) => tell({ type: "heartbeat", instanceId, hook, state }),
        onFailure: (error) => tell({ type: "failed", what: `heartbeat of ${hook}`, error }),
      });
      holds.set(key, held);
    },
    async known() {
      const unknown = [...holds.values()].filter((hold) => hold.state() === "unknown");
      await Promise.all(unknown.map((hold) => hold.probe()));
    },
    active: () => active().length,
    limitAt: () => Math.min(...active().map((hold) => hold.limitAt())) - limitMarginMs,
    async answer(answer) {
      for (const [key, hold] of holds) await end(key, hold, answer);
    },
    async settle() {
      for (const [key, hold] of holds) if (hold.state() === "gone") release(key, hold);
      if (holds.size > 0 || messages.size === 0) return;
      const finished = [...messages.values()];
      await queue.delete(finished);
      for (const { id } of finished) messages.delete(id);
    },
    messages: () => [...messages.values()],
    isEmpty: () => holds.size === 0 && messages.size === 0,
    close() {
      for (const hold of holds.values()) hold.release();
    },
  };
}
