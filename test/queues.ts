import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { startFauxqs } from "fauxqs";

/** The SQS emulator, in this process, over HTTP. */
export interface Queues extends AsyncDisposable {
  /** What `AWS_ENDPOINT_URL_SQS` is to be. */
  url: string;
  /** Makes a queue; its dead-letter queue, where one is wanted, is called `NAME-dead`. */
  create(name: string, options?: { maxReceiveCount?: number }): Promise<TestQueue>;
}

export interface TestQueue {
  url: string;
  send(body: string): Promise<void>;
  /** The messages in the queue: to be received, and in somebody's hands. */
  queued(): { ready: number; inFlight: number };
  /** The messages in its dead-letter queue. */
  dead(): number;
}

const region = "eu-west-1";
const credentials = { accessKeyId: "test", secretAccessKey: "test" };

export async function startQueues(): Promise<Queues> {
  const server = await startFauxqs({ port: 0, logger: false });
  const url = `http://127.0.0.1:${server.port}`;
  const client = new SQSClient({ endpoint: url, region, credentials });
  const make = async (QueueName: string, Attributes = {}) =>
    (await client.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl ?? "";
  const countIn = (name: string) => {
    const { messages } = server.inspectQueue(name) ?? {};
    return { ready: messages?.ready.length ?? 0, inFlight: messages?.inflight.length ?? 0 };
  };

  async function redrive(name: string, maxReceiveCount: number) {
    const QueueUrl = await make(`${name}-dead`);
    const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] });
    const { Attributes } = await client.send(asked);
    const policy = { deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount };
    return { RedrivePolicy: JSON.stringify(policy) };
  }

  return {
    url,
    async create(name, { maxReceiveCount } = {}) {
      const redriven = maxReceiveCount === undefined ? {} : await redrive(name, maxReceiveCount);
      const QueueUrl = await make(name, redriven);
      return {
        url: QueueUrl,
        queued: () => countIn(name),
        dead: () => countIn(`${name}-dead`).ready,
        async send(MessageBody) {
          await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
        },
      };
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server.stop();
    },
  };
}
