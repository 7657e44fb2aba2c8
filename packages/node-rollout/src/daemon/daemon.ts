import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "@internal/lib/errors";
import { type AwsClients, connectAws } from "../aws/clients.ts";
import { createGroups, type Groups } from "../aws/groups.ts";
import { createLifecycleHooks } from "../aws/lifecycle-hooks.ts";
import { createQueue, type Queue, type Received } from "../aws/queue.ts";
import { isRefusal } from "../aws/refusal.ts";
import { createSignals } from "../aws/signals.ts";
import { type ConfigInput, configSchema } from "../config.ts";
import { followBudgets } from "../drain/budgets.ts";
import { type Gate, startGate } from "../gate/run.ts";
import { isApiError, type Kubernetes } from "../kubernetes/kubernetes.ts";
import { limited } from "../kubernetes/limited.ts";
import { followNodes } from "../kubernetes/node-index.ts";
import { createTokenBucket } from "../kubernetes/token-bucket.ts";
import { createInbox, type Inbox } from "../rollout/inbox.ts";
import { isInterruption, judgeMessage, keepOwn } from "../rollout/intake.ts";
import type { RolloutPhase } from "../rollout/machine.ts";
import { reconcile } from "../rollout/reconcile.ts";
import { createSightings } from "../rollout/sightings.ts";
import { createTerminations, type Terminations } from "../rollout/terminations.ts";
import type { Wait } from "../wait.ts";
import type { DaemonEvent } from "./event.ts";
import { createStanding } from "./standing.ts";
import { createWebhook } from "./webhook.ts";

export interface DaemonOptions {
  /** As in the configuration file. */
  config: ConfigInput;
  kubernetes: Kubernetes;
  /** The AWS clients. @default made from the environment, as the SDK reads it */
  aws?: AwsClients;
  /** The pod this runs in: drained last, and our name in the nodes' records. @default a name of this process alone */
  ownPodUid?: string;
  onEvent?: (event: DaemonEvent) => void;
}

/** Drains nodes on lifecycle hooks, and gates new ones. */
export interface Daemon {
  /**
   * Works until the signal aborts, and then hands over: nothing is completed, every node in hand is free and
   * every message visible for the next process.
   *
   * @throws DaemonRefused when Kubernetes refuses the credentials for a minute, the queue does and nothing is in
   *   hand, or the queue does not exist
   */
  run(signal: AbortSignal): Promise<void>;
  /** Why it does not do its job now; undefined when it does. */
  problem(): string | undefined;
  /** Why it has to be started anew: it has stopped turning. Nothing outside is ever the reason; undefined while it turns. */
  stuck(): string | undefined;
  /** The instances in hand. */
  rollouts(): RolloutView[];
  /** The new instances at the readiness gate, and what each waits for. */
  gated(): { instanceId: string; wait: string }[];
}

/** An instance in hand: its phase, what it waits for, and when its oldest heartbeat was accepted, in milliseconds. */
export interface RolloutView {
  instanceId: string;
  node?: string;
  phase: RolloutPhase;
  waits: Wait[];
  heartbeatAt?: number;
}

/** What the daemon needs is refused, and waiting does not help. */
export class DaemonRefused extends Error {
  override name = "DaemonRefused";
  readonly code = "REFUSED";
}

const retryMs = 2000;
/** A poll, its attempts and the deletions after it take three minutes at most. */
const stuckMs = 300_000;
const groupsLastMs = 2000;

/**
 * Makes the daemon; nothing is sent before `run`.
 *
 * @throws ZodError for a configuration that does not fit
 */
export function createDaemon(options: DaemonOptions): Daemon {
  const { kubernetes, ownPodUid, onEvent = () => {} } = options;
  const config = configSchema.parse(options.config);
  const webhook =
    config.webhook &&
    createWebhook({
      url: config.webhook.url,
      failed: (error) => onEvent({ type: "failed", what: "notify", error }),
    });
  const tell = (event: DaemonEvent) => {
    onEvent(event);
    webhook?.notify(event);
  };
  let terminations: Terminations | undefined;
  let gate: Gate | undefined;
  let turnedAt: number | undefined;
  const nodesStand = createStanding("the nodes are not known yet", "the nodes are not followed");
  const queueStands = createStanding("the queue has not answered yet", "the queue does not answer");

  async function run(outer: AbortSignal): Promise<void> {
    const ending = new AbortController();
    const signal = AbortSignal.any([outer, ending.signal]);
    const aws = options.aws ?? (await connectAws());
    const bucket = createTokenBucket(config.kubernetes);
    const own = limited(kubernetes, bucket, "");
    const queue = createQueue(aws.queue, config);
    const refused = Promise.withResolvers<never>();
    const nodes = followNodes(own, {
      signal,
      failed: judgeFailure(refused.reject),
      answered() {
        if (nodesStand.answered()) tell({ type: "recovered", what: "follow nodes" });
      },
    });
    const failed = (error: unknown) => tell({ type: "failed", what: "follow budgets", error });
    const budgets = followBudgets(own, { signal, failed });
    const hooks = createLifecycleHooks(aws);
    const inbox = createInbox(queue);
    const sightings = createSightings(config.recordAnnotation);
    const replica = ownPodUid ?? randomUUID();
    terminations = createTerminations({
      ...{ config, replica, kubernetes, hooks, inbox, nodes, sightings, budgets, bucket },
      ...{ ownPodUid, signal, tell },
    });
    void reconcile({
      ...{ config, hooks, nodes, sightings, terminations, signal },
      failed: (error) => tell({ type: "failed", what: "look for lost messages", error }),
    });
    const groups = createGroups(aws.autoScaling, config.groups, signal);
    const { readiness, recordAnnotation } = config;
    gate =
      readiness &&
      startGate({
        ...{ readiness, recordAnnotation, kubernetes: own, nodes, hooks, queue, signal, tell },
        ...{ queueUrl: config.queueUrl, reconcileMs: config.reconcileSeconds * 1000 },
        groups,
        signals: createSignals(aws.cloudFormation),
      });
    const inHand = () => [...inbox.all(), ...(gate?.messages() ?? [])];
    let isRenewing = false;
    const renewing = setInterval(async () => {
      // A queue that is slow to answer for a thousand messages is not asked for them twice.
      if (isRenewing) return;
      isRenewing = true;
      await queue
        .hide(inHand(), config.visibilitySeconds)
        .catch((error: unknown) => tell({ type: "failed", what: "renew messages", error }));
      isRenewing = false;
    }, config.visibilitySeconds * 333);
    try {
      await Promise.race([
        receiveAll({ queue, inbox, terminations, groups, signal }),
        refused.promise,
      ]);
    } finally {
      clearInterval(renewing);
      const left = gate?.messages() ?? [];
      ending.abort();
      await terminations.ended();
      // They come again by themselves if this fails; showing them at once only saves the time.
      await queue.hide([...inbox.all(), ...left], 0).catch(() => {});
      await webhook?.close();
      if (options.aws === undefined) aws.close();
    }
  }

  function judgeFailure(reject: (error: Error) => void): (error: unknown) => void {
    return (error) => {
      const message = messageOf(error);
      tell({ type: "failed", what: "follow nodes", error });
      if (nodesStand.failed(message, isApiError(error, 401, 403))) {
        reject(new DaemonRefused(`Kubernetes refuses to show the nodes: ${message}`));
      }
    };
  }

  async function receiveAll(context: Receiving): Promise<void> {
    const { queue, signal } = context;
    while (!signal.aborted) {
      turnedAt = Date.now();
      try {
        const received = await queue.receive(signal);
        if (queueStands.answered()) tell({ type: "recovered", what: "receive messages" });
        await Promise.all(received.map((message) => take(message, context)));
      } catch (error) {
        if (signal.aborted) return;
        tell({ type: "failed", what: "receive messages", error });
        judgeQueue(error);
        await sleep(retryMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** Refused with something in hand, it goes on: the heartbeats may still be accepted, and new credentials may come. */
  function judgeQueue(error: unknown): void {
    const message = messageOf(error);
    const { name } = error as Error;
    if (name === "QueueDoesNotExist" && queueStands.problem() !== undefined) {
      throw new DaemonRefused(`${config.queueUrl}: no such queue`, { cause: error });
    }
    const isRefused = queueStands.failed(message, isRefusal(error));
    const isIdle = (terminations?.all().size ?? 0) === 0 && (gate?.waiting() ?? []).length === 0;
    if (!isRefused || !isIdle) return;
    throw new DaemonRefused(`${config.queueUrl}: AWS refuses: ${message}`, { cause: error });
  }

  async function take(message: Received, context: Receiving): Promise<void> {
    let intake = judgeMessage(message.body, config);
    if (isInterruption(intake)) {
      try {
        await context.groups.refresh(groupsLastMs);
      } catch (error) {
        // The message comes again.
        return tell({ type: "failed", what: "describe groups", error });
      }
      intake = keepOwn(intake, (instanceId) => context.groups.find(instanceId) !== undefined);
    }
    const outcome = intake.outcome === "launching" && gate !== undefined ? "taken" : intake.outcome;
    tell({ type: "message", id: message.id, outcome, reason: intake.reason });
    if (intake.outcome === "ignored") await context.queue.delete([message]);
    if (intake.outcome === "launching")
      gate?.join({ action: intake.action, since: message.sentAt, message });
    if (intake.outcome !== "taken") return;
    const { instanceIds, action } = intake;
    context.inbox.add(message, instanceIds);
    for (const instanceId of instanceIds) {
      context.terminations.join(instanceId, action && { ...action, since: message.sentAt });
    }
  }

  return {
    run,
    problem: () => nodesStand.problem() ?? queueStands.problem(),
    stuck: () =>
      turnedAt === undefined || Date.now() - turnedAt < stuckMs
        ? undefined
        : "the queue is not being asked any more",
    gated: () => gate?.waiting() ?? [],
    rollouts: () =>
      [...(terminations?.all() ?? [])].map(([instanceId, rollout]) => {
        const node = rollout.node();
        const heartbeatAt = rollout.heartbeatAt();
        return {
          instanceId,
          ...(node === undefined ? {} : { node }),
          phase: rollout.phase(),
          waits: rollout.waits(),
          ...(heartbeatAt === undefined ? {} : { heartbeatAt }),
        };
      }),
  };
}

interface Receiving {
  queue: Queue;
  inbox: Inbox;
  terminations: Terminations;
  groups: Groups;
  signal: AbortSignal;
}
