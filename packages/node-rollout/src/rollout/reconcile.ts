import { setTimeout as sleep } from "node:timers/promises";
import type { HookSettings, LifecycleHooks, WaitingInstance } from "../aws/lifecycle-hooks.ts";
import type { Config } from "../config.ts";
import type { NodeIndex } from "../kubernetes/node-index.ts";
import { isOwnHook } from "./own-hook.ts";
import type { HeldAction } from "./record.ts";
import type { Sightings } from "./sightings.ts";
import type { Terminations } from "./terminations.ts";

export interface ReconcileContext {
  config: Config;
  hooks: LifecycleHooks;
  nodes: NodeIndex;
  sightings: Sightings;
  terminations: Terminations;
  signal: AbortSignal;
  failed(error: unknown): void;
}

/** At the start messages are on their way. A process that is killed again and again must get here, too. */
const firstSeconds = 10;

/**
 * Now and then takes up what no message has told: nodes whose record an ended process has left, and instances
 * that wait in our groups. Messages get lost, in dead-letter queues for instance; a group waits for hours.
 */
export async function reconcile(context: ReconcileContext): Promise<void> {
  const { config, nodes, signal, failed } = context;
  const pause = (seconds: number) => sleep(seconds * 1000, undefined, { signal }).catch(() => {});
  const first = Math.min(firstSeconds, config.reconcileSeconds);
  await Promise.race([nodes.ready, pause(first)]);
  takeUpRecords(context);
  for (let seconds = first; !signal.aborted; seconds = config.reconcileSeconds) {
    await pause(seconds);
    await takeUpWaiting(context).catch((error: unknown) => signal.aborted || failed(error));
    takeUpRecords(context);
  }
}

function takeUpRecords({ config, nodes, sightings, terminations, signal }: ReconcileContext): void {
  if (signal.aborted) return;
  for (const [instanceId, node] of nodes.all()) {
    for (const action of sightings.viewOf(node, instanceId).record?.actions ?? []) {
      if (config.groups.includes(action.asg)) terminations.join(instanceId, action);
    }
  }
}

async function takeUpWaiting(context: ReconcileContext): Promise<void> {
  const { config, hooks, terminations, signal } = context;
  const waiting = (await hooks.waiting(config.groups, signal)).filter(
    ({ transition }) => transition === "terminating",
  );
  terminations.forgetOthers(new Set(waiting.map(({ instanceId }) => instanceId)));
  for (const instance of waiting) {
    const settings = await hooks.settings(instance.asg);
    for (const action of actionsOf(instance, settings, config, Date.now())) {
      if (!signal.aborted && !terminations.isOver(action)) {
        terminations.join(instance.instanceId, action);
      }
    }
  }
}

/**
 * The actions that may hold an instance that waits. None has a token, so each is whichever is active, and a
 * heartbeat tells whether one is.
 *
 * @param now taken for their beginning, in milliseconds: nothing tells it
 */
export function actionsOf(
  { asg, instanceId }: WaitingInstance,
  settings: readonly HookSettings[],
  { queueUrl, drain }: Pick<Config, "queueUrl"> & { drain: Pick<Config["drain"], "hooks"> },
  now: number,
): HeldAction[] {
  const own = { queueUrl, hooks: drain.hooks };
  return settings
    .filter((hook) => hook.transition === "terminating" && isOwnHook(hook, own))
    .map(({ name }) => ({ asg, hook: name, instanceId, since: now }));
}
