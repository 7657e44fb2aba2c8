import type { Queue, Received } from "../aws/queue.ts";

/** The messages in hand. One message may be about several instances: it goes when the last of them is done. */
export interface Inbox {
  /** Takes a message, or a newer receipt of one that is in hand. */
  add(message: Received, instanceIds: readonly string[]): void;
  /** Whether messages about this instance are in hand. */
  has(instanceId: string): boolean;
  /** The messages in hand, each with its newest receipt. */
  all(): Received[];
  /**
   * Deletes an instance's messages, each by its newest receipt: SQS says yes to an old one and deletes nothing.
   *
   * @throws whatever the queue throws; the messages stay in hand then
   */
  finish(instanceId: string): Promise<void>;
}

export function createInbox(queue: Pick<Queue, "delete">): Inbox {
  const messages = new Map<string, { message: Received; instances: Set<string> }>();
  const of = (instanceId: string) =>
    [...messages.values()].filter(({ instances }) => instances.has(instanceId));
  return {
    add(message, instanceIds) {
      const known = messages.get(message.id);
      const instances = new Set([...(known?.instances ?? []), ...instanceIds]);
      messages.set(message.id, { message, instances });
    },
    has: (instanceId) => of(instanceId).length > 0,
    all: () => [...messages.values()].map(({ message }) => message),
    async finish(instanceId) {
      const mine = of(instanceId);
      const last = mine.filter(({ instances }) => instances.size === 1);
      await queue.delete(last.map(({ message }) => message));
      for (const entry of mine) {
        if (!last.includes(entry)) entry.instances.delete(instanceId);
        // A newer receipt that came meanwhile stays in hand: the older one may not have counted.
        else if (messages.get(entry.message.id) === entry) messages.delete(entry.message.id);
      }
    },
  };
}
