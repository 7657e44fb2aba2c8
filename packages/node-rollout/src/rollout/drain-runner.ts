import { setTimeout as sleep } from "node:timers/promises";
import { drainNode } from "../drain/drain.ts";
import type { DrainProgress } from "../drain/progress.ts";
import type { Wait } from "../wait.ts";
import type { RolloutContext } from "./context.ts";
import type { RolloutDecision } from "./machine.ts";

export interface DrainNews {
  begun(node: string): void;
  progress(node: string, progress: DrainProgress): void;
  waiting(waits: Wait[]): void;
  drained(): void;
  /** It failed and is begun again soon. */
  failed(node: string, error: unknown): void;
}

/** Keeps a drain going exactly while it is wanted. */
export interface DrainRunner {
  /** Begins the drain, ends it, or begins it anew with another deadline. */
  want(drain: RolloutDecision["drain"]): void;
  /** Ends the drain; resolves when nothing of it is under way. */
  stop(): Promise<void>;
}

const retryMs = 5000;

export function createDrainRunner(context: RolloutContext, news: DrainNews): DrainRunner {
  let current: { key: string; ending: AbortController } | undefined;
  let last = Promise.resolve();

  function want(drain: RolloutDecision["drain"]): void {
    const key = drain && `${drain.node} ${drain.forceBy ?? ""}`;
    if (key === current?.key) return;
    current?.ending.abort();
    current = undefined;
    if (drain === undefined || key === undefined) return;
    const ending = new AbortController();
    const signal = AbortSignal.any([context.signal, ending.signal]);
    current = { key, ending };
    last = last.then(async () => {
      if (!signal.aborted) news.begun(drain.node);
      await keepDraining(drain, signal);
    });
  }

  async function keepDraining(
    drain: NonNullable<RolloutDecision["drain"]>,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        if (await drainOnce(drain, signal)) return;
      } catch (error) {
        if (signal.aborted) return;
        news.failed(drain.node, error);
      }
      await sleep(retryMs, undefined, { signal }).catch(() => {});
    }
  }

  /** True when there is nothing left to do. */
  async function drainOnce(
    drain: NonNullable<RolloutDecision["drain"]>,
    signal: AbortSignal,
  ): Promise<boolean> {
    let last: DrainProgress["type"] | undefined;
    for await (const progress of drainNode(optionsOf(context, drain, signal))) {
      last = progress.type;
      news.progress(drain.node, progress);
      if (progress.type === "waiting") news.waiting(progress.waits);
    }
    if (last === "drained") news.drained();
    return last === "drained";
  }

  return {
    want,
    stop() {
      want(undefined);
      return last;
    },
  };
}

function optionsOf(
  { config, kubernetes, budgets, bucket, ownPodUid }: RolloutContext,
  { node, forceBy }: NonNullable<RolloutDecision["drain"]>,
  signal: AbortSignal,
): Parameters<typeof drainNode>[0] {
  const { settleSeconds, waitForVolumes, graceSeconds, criticalGraceSeconds } = config.drain;
  const { ignoreDaemonSets, deleteEmptyDir, evictUnreplicated } = config.drain;
  return {
    ...{ kubernetes, budgets, bucket, node, signal },
    policy: {
      ...{ ignoreDaemonSets, deleteEmptyDir, evictUnreplicated },
      ...(graceSeconds === undefined ? {} : { graceSeconds }),
      ...(criticalGraceSeconds === undefined ? {} : { criticalGraceSeconds }),
      ...(ownPodUid === undefined ? {} : { ownPodUid }),
    },
    cordon: false,
    watchNode: false, // the index of nodes tells, and then the drain is not wanted any more
    settleMs: settleSeconds * 1000,
    volumes: waitForVolumes,
    ...(forceBy === undefined
      ? {}
      : { onTimeout: "force", timeoutMs: Math.max(0, forceBy - Date.now()) }),
  };
}
