import type { LifecycleAction } from "../aws/lifecycle-hooks.ts";
import type { Received } from "../aws/queue.ts";
import { type Hold, holdAction } from "../rollout/heartbeat.ts";
import { isSameAction } from "../rollout/same-action.ts";
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

interface Held {
  hold: Hold;
  /** When its action began, in milliseconds, as far as anybody knows: the hook's global limit counts from there. */
  since: number;
}

/** Before a hook's global limit it gets its answer, brake or not: afterwards the group decides. */
const limitMarginMs = 30_000;

export function holdPassage(instanceId: string, context: GateContext): PassageHooks {
  const { hooks, queue, signal, tell } = context;
  const holds = new Set<Held>();
  const messages = new Map<string, Received>();
  const active = () => [...holds].filter(({ hold }) => hold.state() !== "gone");

  async function end(held: Held, answer: "CONTINUE" | "ABANDON"): Promise<void> {
    const { action, state } = held.hold;
    const { asg, hook } = action;
    const result = state() === "gone" ? "gone" : await hooks.complete(action, answer, signal);
    release(held);
    tell({ type: "answered", instanceId, asg, hook, answer, result });
  }

  function release(held: Held): void {
    held.hold.release();
    holds.delete(held);
  }

  return {
    join({ action, since, message }) {
      if (message !== undefined) messages.set(message.id, message);
      const known = [...holds].find(({ hold }) =>
        isSameAction({ action: hold.action, state: hold.state() }, action),
      );
      if (known !== undefined) {
        known.since = Math.min(known.since, since);
        return;
      }
      const { hook } = action;
      const hold = holdAction({
        ...{ hooks, action },
        onChange: (state) => tell({ type: "heartbeat", instanceId, hook, state }),
        onFailure: (error) => tell({ type: "failed", what: `heartbeat of ${hook}`, error }),
      });
      holds.add({ hold, since });
    },
    async known() {
      const unknown = [...holds].filter(({ hold }) => hold.state() === "unknown");
      await Promise.all(unknown.map(({ hold }) => hold.probe()));
    },
    active: () => active().length,
    limitAt: () =>
      Math.min(...active().map(({ hold, since }) => since + hold.limitMs())) - limitMarginMs,
    async answer(answer) {
      for (const held of holds) await end(held, answer);
    },
    async settle() {
      for (const held of holds) if (held.hold.state() === "gone") release(held);
      if (holds.size > 0 || messages.size === 0) return;
      const finished = [...messages.values()];
      await queue.delete(finished);
      for (const { id } of finished) messages.delete(id);
    },
    messages: () => [...messages.values()],
    isEmpty: () => holds.size === 0 && messages.size === 0,
    close() {
      for (const { hold } of holds) hold.release();
    },
  };
}
