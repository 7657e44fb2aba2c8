import { startQueues, type TestQueue } from "../queues.ts";

/** The only queue of its SQS emulator. */
export interface OnlyQueue extends Omit<TestQueue, "dead">, AsyncDisposable {
  /** What a process needs to reach it. */
  env: Record<string, string>;
}

export async function startQueue(name = "lifecycle"): Promise<OnlyQueue> {
  const queues = await startQueues();
  const { url, send, queued } = await queues.create(name);
  const env = { AWS_ENDPOINT_URL_SQS: queues.url };
  return { url, send, queued, env, [Symbol.asyncDispose]: queues[Symbol.asyncDispose] };
}
