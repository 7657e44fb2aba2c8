import { expect, test } from "vitest";
import type { Received } from "../src/aws/queue.ts";
import { createInbox } from "../src/rollout/inbox.ts";

const message = (id: string, receipt: string): Received => ({
  ...{ id, receipt, body: "", sentAt: 0, receivedAt: 0 },
});

function inboxWithLog() {
  const deleted: string[] = [];
  const inbox = createInbox({
    delete: async (messages) => void deleted.push(...messages.map(({ receipt }) => receipt)),
  });
  return { inbox, deleted };
}

test("a message is deleted by its newest receipt", async () => {
  const { inbox, deleted } = inboxWithLog();
  inbox.add(message("m", "first"), ["i-1"]);
  inbox.add(message("m", "second"), ["i-1"]);
  await inbox.finish("i-1");
  expect(deleted).toEqual(["second"]);
  expect(inbox.all()).toEqual([]);
});

test("a message about several instances goes with the last of them", async () => {
  const { inbox, deleted } = inboxWithLog();
  inbox.add(message("m", "r"), ["i-1", "i-2"]);
  await inbox.finish("i-1");
  expect(deleted).toEqual([]);
  expect([inbox.has("i-1"), inbox.has("i-2")]).toEqual([false, true]);
  await inbox.finish("i-2");
  expect(deleted).toEqual(["r"]);
});

test("a receipt that comes while the one before it is deleted stays in hand", async () => {
  const deleted: string[] = [];
  const inbox = createInbox({
    async delete(messages) {
      deleted.push(...messages.map(({ receipt }) => receipt));
      if (deleted.length === 1) inbox.add(message("m", "second"), ["i-1"]);
    },
  });
  inbox.add(message("m", "first"), ["i-1"]);
  await inbox.finish("i-1");
  expect(inbox.has("i-1")).toBe(true);
  await inbox.finish("i-1");
  expect(deleted).toEqual(["first", "second"]);
  expect(inbox.has("i-1")).toBe(false);
});

test("what could not be deleted stays in hand", async () => {
  const inbox = createInbox({ delete: () => Promise.reject(new Error("throttled")) });
  inbox.add(message("m", "r"), ["i-1"]);
  await expect(inbox.finish("i-1")).rejects.toThrow("throttled");
  expect(inbox.has("i-1")).toBe(true);
});
