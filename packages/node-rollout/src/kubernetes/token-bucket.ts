/** Shares a rate of requests fairly: whoever waits is served in turn by key, however many requests a key has. */
export interface TokenBucket {
  /** Resolves when a request for this key may be sent; rejects when the signal aborts. */
  take(key: string, signal?: AbortSignal): Promise<void>;
}

interface Waiter {
  resolve(): void;
  key: string;
}

/**
 * @param options.qps requests a second in the long run
 * @param options.burst requests at once after a quiet time, default twice `qps`
 */
export function createTokenBucket(options: { qps: number; burst?: number }): TokenBucket {
  const { qps, burst = qps * 2 } = options;
  /** Keys in the order of their turns, each with its own queue. */
  const queues = new Map<string, Waiter[]>();
  let tokens = burst;
  let filled = performance.now();
  let timer: NodeJS.Timeout | undefined;

  function serve(): void {
    timer = undefined;
    const now = performance.now();
    tokens = Math.min(burst, tokens + ((now - filled) / 1000) * qps);
    filled = now;
    while (tokens >= 1 && queues.size > 0) {
      tokens -= 1;
      nextInTurn()?.resolve();
    }
    if (queues.size > 0) timer ??= setTimeout(serve, Math.max(1, ((1 - tokens) / qps) * 1000));
  }

  function nextInTurn(): Waiter | undefined {
    const [first] = queues;
    if (first === undefined) return undefined;
    const [key, queue] = first;
    const waiter = queue.shift();
    queues.delete(key);
    if (queue.length > 0) queues.set(key, queue); // to the end of the line
    return waiter;
  }

  function leave(waiter: Waiter): void {
    const queue = queues.get(waiter.key)?.filter((other) => other !== waiter);
    if (queue === undefined) return;
    if (queue.length === 0) queues.delete(waiter.key);
    else queues.set(waiter.key, queue);
  }

  return {
    take(key, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const abort = () => {
          leave(waiter);
          reject(signal?.reason);
        };
        const waiter: Waiter = {
          key,
          resolve: () => {
            signal?.removeEventListener("abort", abort);
            resolve();
          },
        };
        signal?.addEventListener("abort", abort, { once: true });
        const queue = queues.get(key);
        if (queue === undefined) queues.set(key, [waiter]);
        else queue.push(waiter);
        if (timer === undefined) serve();
      });
    },
  };
}
