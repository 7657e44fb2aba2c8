import { SQSClient } from "@aws-sdk/client-sqs";
import { startQueue } from "@internal/test/aws/queue";
import { type FaultProxy, startFaultProxy } from "@internal/test/fault-proxy";
import { expect, test } from "vitest";
import { createQueue, type Received } from "../src/aws/queue.ts";

/** A queue with twelve messages, all of them received, through a proxy. */
async function startWorld() {
  const sqs = await startQueue();
  const proxy = await startFaultProxy(sqs.env["AWS_ENDPOINT_URL_SQS"] ?? "");
  const client = new SQSClient({
    endpoint: proxy.url,
    region: "eu-west-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    useQueueUrlAsEndpoint: false,
  });
  const queue = createQueue(client, { queueUrl: sqs.url, visibilitySeconds: 300 });
  for (let index = 0; index < 12; index += 1) await sqs.send(`${index}`);
  const messages: Received[] = [];
  while (messages.length < 12) {
    messages.push(...(await queue.receive(new AbortController().signal)));
  }
  return {
    ...{ sqs, proxy, queue, messages },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await proxy.close();
      await sqs[Symbol.asyncDispose]();
    },
  };
}

/** SQS answers the second request of this action by itself: the first of its messages failed. */
function failSecond(proxy: FaultProxy, action: string, SenderFault: boolean): void {
  const Failed = [{ Id: "0", SenderFault, Code: "InternalError", Message: "try again" }];
  let count = 0;
  proxy.on({}, ({ headers }) => {
    if (headers["x-amz-target"] !== `AmazonSQS.${action}`) return undefined;
    count += 1;
    const type = { "content-type": "application/x-amz-json-1.0" };
    const body = { Successful: [{ Id: "1" }], Failed };
    return count === 2 ? { kind: "answer", status: 200, headers: type, body } : undefined;
  });
}

test("a batch that partly fails is told, and the others are done", async () => {
  await using world = await startWorld();
  const { sqs, proxy, queue, messages } = world;
  failSecond(proxy, "ChangeMessageVisibilityBatch", false);
  await expect(queue.hide(messages, 0)).rejects.toThrow("1 messages were not hidden: try again");
  // What the proxy answered by itself never came to the queue.
  expect(sqs.queued()).toEqual({ ready: 10, inFlight: 2 });
  await queue.hide(messages, 0);
  expect(sqs.queued()).toEqual({ ready: 12, inFlight: 0 });
});

test("messages that were not deleted are told", async () => {
  await using world = await startWorld();
  const { sqs, proxy, queue, messages } = world;
  failSecond(proxy, "DeleteMessageBatch", false);
  await expect(queue.delete(messages)).rejects.toThrow("1 messages were not deleted: try again");
  expect(sqs.queued()).toEqual({ ready: 0, inFlight: 2 });
});

test("a receipt that is too old is no failure: its message comes again with another", async () => {
  await using world = await startWorld();
  const { proxy, queue, messages } = world;
  failSecond(proxy, "ChangeMessageVisibilityBatch", true);
  await expect(queue.hide(messages, 300)).resolves.toBeUndefined();
});
