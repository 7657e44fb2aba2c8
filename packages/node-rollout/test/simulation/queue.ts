import type { Clock, Dice } from "./clock.ts";

export interface SimMessage {
  id: string;
  body: string;
  sentAt: number;
  /** Names its newest receipt. */
  receipt: number;
  visibleAt: number;
}

/** SQS: at least once, in any order, a new receipt each time, and yes to the deletion of an old one. */
export interface SimQueue {
  messages: Map<string, SimMessage>;
  /** @param sentAt for a message that has been on its way for long, in milliseconds; now by default */
  send(body: string, sentAt?: number): void;
  receive(visibilityMs: number): SimMessage[];
  hide(id: string, receipt: number, ms: number): void;
  delete(id: string, receipt: number): void;
}

export function createQueue(
  clock: Clock,
  dice: Dice,
  onDelete: (message: SimMessage) => void,
): SimQueue {
  const messages = new Map<string, SimMessage>();
  let ids = 0;
  const held = (id: string, receipt: number) => {
    const message = messages.get(id);
    return message?.receipt === receipt ? message : undefined;
  };
  return {
    messages,
    send(body, sentAt = clock.now()) {
      const id = `m${++ids}`;
      messages.set(id, { id, body, sentAt, receipt: 0, visibleAt: clock.now() });
    },
    receive(visibilityMs) {
      const visible = [...messages.values()].filter(({ visibleAt }) => visibleAt <= clock.now());
      return visible.slice(0, dice.between(1, 10)).map((message) => {
        message.receipt += 1;
        // Now and then a message is seen by two.
        if (!dice.chance(0.03)) message.visibleAt = clock.now() + visibilityMs;
        return { ...message };
      });
    },
    hide(id, receipt, ms) {
      const message = held(id, receipt);
      if (message !== undefined) message.visibleAt = clock.now() + ms;
    },
    delete(id, receipt) {
      const message = held(id, receipt);
      if (message === undefined) return;
      messages.delete(id);
      onDelete(message);
    },
  };
}
