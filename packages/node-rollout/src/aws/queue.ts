import {
  type BatchResultErrorEntry,
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
  /**
   * Hides messages for some more time; 0 shows them at once. Receipts that are too old are no failure.
   *
   * @throws Error when some could not be hidden; the others are
   */
  hide(messages: readonly Received[], seconds: number): Promise<void>;
  /** @throws Error when some were not deleted */
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
      const hide = async (some: readonly Received[]) => {
        const Entries = entriesOf(some).map((entry) => ({ ...entry, VisibilityTimeout: seconds }));
        const command = new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries });
        refuseFailures("hidden", await client.send(command));
      };
      // One batch that fails leaves the others hidden.
      const results = await Promise.allSettled([...chunks(messages)].map(hide));
      for (const result of results) if (result.status === "rejected") throw result.reason;
    },
    async delete(messages) {
      for (const some of chunks(messages)) {
        const command = new DeleteMessageBatchCommand({ QueueUrl, Entries: entriesOf(some) });
        refuseFailures("deleted", await client.send(command));
      }
    },
  };
}

function entriesOf(messages: readonly Received[]): { Id: string; ReceiptHandle: string }[] {
  return messages.map(({ receipt }, index) => ({ Id: `${index}`, ReceiptHandle: receipt }));
}

/** A batch answers for each of its messages. A sender's fault is a receipt that is too old: the message comes again. */
function refuseFailures(
  what: string,
  { Failed = [] }: { Failed?: BatchResultErrorEntry[] | undefined },
): void {
  const failed = Failed.filter(({ SenderFault }) => !SenderFault);
  const [first] = failed;
  if (first === undefined) return;
  throw new Error(`${failed.length} messages were not ${what}: ${first.Message ?? first.Code}`);
}

function* chunks<T>(items: readonly T[]): Iterable<readonly T[]> {
  for (let start = 0; start < items.length; start += batch) {
    yield items.slice(start, start + batch);
  }
}
