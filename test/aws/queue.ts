import { CreateQueueCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { startFauxqs } from "fauxqs";

/** A queue on the SQS emulator, in this process, over HTTP. */
export interface TestQueue extends AsyncDisposable {
  url: string;
  /** What a process needs to reach it. */
  env: Record<string, string>;
  send(body: string): Promise<void>;
  /** The messages in it: to be received, and in somebody's hands. */
  queued(): { ready: number; inFlight: number };
}

export async function startQueue(name = "lifecycle"): Promise<TestQueue> {
  const sqs = await startFauxqs({ port: 0, logger: false });
  const endpoint = `http://127.0.0.1:${sqs.port}`;
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const client = new SQSClient({ endpoint, region: "eu-west-1", credentials });
  const { QueueUrl = "" } = await client.send(new CreateQueueCommand({ QueueName: name }));
  return {
    url: QueueUrl,
    env: { AWS_ENDPOINT_URL_SQS: endpoint },
    async send(MessageBody) {
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    },
    queued() {
      const { messages } = sqs.inspectQueue(name) ?? {};
      return { ready: messages?.ready.length ?? 0, inFlight: messages?.inflight.length ?? 0 };
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await sqs.stop();
    },
  };
}
