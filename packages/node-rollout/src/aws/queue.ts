import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";

/** A message as received. */
export interface Received {
  id: string;
  /** Names this receipt of the message; a later receipt of the same message has another. */
  receipt: string;
  body: string;
  /** When it was sent, in milliseconds. */
  sentAt: number;
  receivedAt: number;
}

/** The queue as the daemon uses it. */
export interface Queue {
  /** Waits up to 20 s for messages, 10 at most. */
  receive(signal: AbortSignal): Promise<Received[]>;
  /** Hides messages for some more time; 0 shows them at once. Receipts that are too old are no failure. */
  hide(messages: readonly Received[], seconds: number): Promise<void>;
  delete(messages: readonly Received[]): Promise<void>;
}

const pollSeconds = 20;
const batch = 10;

export function createQueue(
  client: SQSClient,
  options: { queueUrl: string; visibilitySeconds: number },
): Queue {
  const { queueUrl: QueueUrl, visibilitySeconds } = options;
  return {
    async receive(abortSignal) {
      const command = new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: batch,
        WaitTimeSeconds: pollSeconds,
        VisibilityTimeout: visibilitySeconds,
        MessageSystemAttributeNames: ["SentTimestamp"],
      });
      const { Messages = [] } = await client.send(command, { abortSignal });
      const receivedAt = Date.now();
      return Messages.map(({ MessageId = "", ReceiptHandle = "", Body = "", Attributes }) => ({
        id: MessageId,
        receipt: ReceiptHandle,
        body: Body,
        sentAt: Number(Attributes?.SentTimestamp ?? receivedAt),
        receivedAt,
      }));
    },
    async hide(messages, seconds) {
      const hide = (some: readonly Received[]) => {
        const Entries = some.map(({ receipt }, index) => ({
          Id: `${index}`,
          ReceiptHandle: receipt,
          VisibilityTimeout: seconds,
        }));
        return client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
      };
      // One batch that fails leaves the others hidden.
      const results = await Promise.allSettled([...chunks(messages)].map(hide));
      for (const result of results) if (result.status === "rejected") throw result.reason;
    },
    async delete(messages) {
      for (const some of chunks(messages)) {
        const Entries = some.map(({ receipt }, index) => ({
          Id: `${index}`,
          ReceiptHandle: receipt,
        }));
        const { Failed = [] } = await client.send(
          new DeleteMessageBatchCommand({ QueueUrl, Entries }),
        );
        const failed = Failed.find(({ SenderFault }) => !SenderFault);
        if (failed !== undefined) throw new Error(`a message was not deleted: ${failed.Message}`);
      }
    },
  };
}

function* chunks<T>(items: readonly T[]): Iterable<readonly T[]> {
  for (let start = 0; start < items.length; start += batch) {
    yield items.slice(start, start + batch);
  }
}
