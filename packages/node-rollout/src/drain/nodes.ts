import { isApiError } from "../kubernetes/kubernetes.ts";
import { limited } from "../kubernetes/limited.ts";
import { createTokenBucket } from "../kubernetes/token-bucket.ts";
import { followBudgets } from "./budgets.ts";
import { type DrainOptions, drainNode } from "./drain.ts";
import type { DrainProgress } from "./progress.ts";

/** What happens at one of several nodes. */
export interface NodeProgress {
  node: string;
  progress: DrainProgress;
}

export interface DrainNodesOptions extends Omit<DrainOptions, "node" | "budgets"> {
  /** The nodes' names, each once. */
  nodes: readonly string[];
}

/**
 * Drains several nodes at once. They share one rate of requests, fairly, and one book of the budgets, so that
 * none asks for what another has just been given. Every plan is told before any node is touched.
 *
 * @throws ApiError when a node does not exist, or what the drains need is not allowed; that ends all of them
 */
export async function* drainNodes(options: DrainNodesOptions): AsyncGenerator<NodeProgress> {
  const { nodes, bucket = createTokenBucket({ qps: 50, burst: 300 }), ...each } = options;
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, ...(options.signal ? [options.signal] : [])]);
  const own = limited(options.kubernetes, bucket, "");
  const failed = (error: unknown) => {
    if (isApiError(error, 401, 403)) ending.abort(error);
  };
  const budgets = followBudgets(own, { signal, failed });
  const drains = nodes.map((node) =>
    named(node, drainNode({ ...each, node, bucket, budgets, signal })),
  );
  try {
    for (const events of await Promise.all(drains.map(untilPlanned))) yield* events;
    yield* merge(drains);
  } finally {
    ending.abort();
    await Promise.allSettled(drains.map((drain) => drain.return(undefined)));
  }
}

/** A drain's events up to its plan. */
async function untilPlanned(drain: AsyncGenerator<NodeProgress>): Promise<NodeProgress[]> {
  const events: NodeProgress[] = [];
  while (events.at(-1)?.progress.type !== "planned") {
    const { done, value } = await drain.next();
    if (done) break;
    events.push(value);
  }
  return events;
}

async function* named(
  node: string,
  drain: AsyncGenerator<DrainProgress>,
): AsyncGenerator<NodeProgress> {
  for await (const progress of drain) yield { node, progress };
}

/** The values of all sources, as they come. */
async function* merge<T>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const coming = new Map<AsyncGenerator<T>, Promise<Taken<T>>>();
  const take = (source: AsyncGenerator<T>) => {
    const next = source.next().then((result) => ({ source, result }));
    // Whoever leaves early waits for it no more, and its failure then is nobody's.
    next.catch(() => {});
    coming.set(source, next);
  };
  for (const source of sources) take(source);
  while (coming.size > 0) {
    const { source, result } = await Promise.race(coming.values());
    if (result.done) coming.delete(source);
    else {
      take(source);
      yield result.value;
    }
  }
}

interface Taken<T> {
  source: AsyncGenerator<T>;
  result: IteratorResult<T>;
}
