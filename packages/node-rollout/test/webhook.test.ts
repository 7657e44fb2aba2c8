import { expect, test } from "vitest";
import type { DaemonEvent } from "../src/daemon/event.ts";
import { createWebhook } from "../src/daemon/webhook.ts";
import { startReceiver } from "./receiver.ts";

const begun: DaemonEvent = { type: "begun", instanceId: "i-1", node: "old" };
const since = new Date(0);

test("begin, alarm and end of a drain are posted, the alarm with its reasons", async () => {
  await using receiver = await startReceiver((response) => response.end());
  const failures: Error[] = [];
  const { notify } = createWebhook({ url: receiver.url, failed: (error) => failures.push(error) });
  const wait = {
    code: "budget",
    object: "PodDisruptionBudget shop/web",
    message: "allows 0",
    since,
  };
  const events: DaemonEvent[] = [
    begun,
    { type: "waiting", instanceId: "i-1", waits: [wait] },
    { type: "alarm", instanceId: "i-1", node: "old" },
    { type: "ended", instanceId: "i-1", outcome: "drained", durationMs: 4000 },
    { type: "ended", instanceId: "i-2", outcome: "handed-over", durationMs: 1 },
  ];
  for (const event of events) notify(event);
  const bodies = await receiver.received(3);
  const texts = Object.fromEntries(bodies.map(({ event, text }) => [event, text]));
  expect(texts).toEqual({
    begun: "draining old (i-1)",
    alarm: "draining old (i-1) takes longer than it should: PodDisruptionBudget shop/web: allows 0",
    drained: "old (i-1): drained after 4 s",
  });
  expect(failures).toEqual([]);
});

test("a receiver that fails is asked three times, then given up without telling its address", async () => {
  await using receiver = await startReceiver((response) => response.writeHead(500).end());
  const given = Promise.withResolvers<Error>();
  const { notify } = createWebhook({ url: receiver.url, failed: given.resolve, retryMs: 10 });
  notify(begun);
  expect((await given.promise).message).toBe("the webhook answered 500");
  expect(receiver.bodies).toHaveLength(3);
});

test("one that fails once is told in the end; one that is not there is no secret told", async () => {
  await using receiver = await startReceiver((response, count) =>
    response.writeHead(count === 1 ? 503 : 200).end(),
  );
  const given = Promise.withResolvers<Error>();
  createWebhook({ url: receiver.url, failed: given.resolve, retryMs: 10 }).notify(begun);
  await receiver.received(2);
  const nobody = "http://127.0.0.1:1/s3cret";
  createWebhook({ url: nobody, failed: given.resolve, retryMs: 10 }).notify(begun);
  const { message } = await given.promise;
  expect(message).toMatch(/^the webhook cannot be reached/);
  expect(message).not.toContain("s3cret");
});

test("a receiver that hangs holds nobody up, and does not fill the memory", async () => {
  await using receiver = await startReceiver(() => {});
  const failures: Error[] = [];
  const { notify } = createWebhook({ url: receiver.url, failed: (error) => failures.push(error) });
  for (let index = 0; index < 150; index += 1) notify(begun);
  expect(failures).toHaveLength(50);
  expect(failures[0]?.message).toBe("the webhook is too slow");
});

test("closing waits for the answers that come, and gives up those that do not", async () => {
  const failures: Error[] = [];
  const failed = (error: Error) => failures.push(error);
  await using slow = await startReceiver((response) => setTimeout(() => response.end(), 50));
  const answered = createWebhook({ url: slow.url, failed, closeMs: 60_000 });
  answered.notify(begun);
  await answered.close();
  expect(slow.bodies).toHaveLength(1);

  await using silent = await startReceiver((response) =>
    response.on("close", () => hungUp.resolve()),
  );
  const hungUp = Promise.withResolvers<void>();
  const unanswered = createWebhook({ url: silent.url, failed, closeMs: 10 });
  unanswered.notify(begun);
  await silent.received(1);
  await unanswered.close();
  await hungUp.promise;
  expect(failures).toEqual([]);
});
