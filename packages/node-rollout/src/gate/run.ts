import { isLeaving } from "../aws/groups.ts";
import type { Received } from "../aws/queue.ts";
import { isOwnHook } from "../rollout/own-hook.ts";
import { createWake } from "../wake.ts";
import { brakeOf } from "./brake.ts";
import { isGated } from "./changes.ts";
import type { GateContext, GateOptions } from "./context.ts";
import { type Passage, startPassage } from "./passage.ts";
import type { LaunchAction } from "./passage-hooks.ts";
import { listUnplaceable, type UnplaceablePod } from "./pods.ts";

/** Lets new nodes of our groups take pods when they are ready, and tells those who wait for them. */
export interface Gate {
  /** Takes a launch hook's action. */
  join(launch: LaunchAction): void;
  /** The messages in hand, each with its newest receipt. */
  messages(): Received[];
  /** The instances at the gate, and what each waits for. */
  waiting(): { instanceId: string; wait: string }[];
}

const tickMs = 1000;
const idleMs = 30_000;
const groupsLastMs = 2000;
const podsLastMs = 2000;
const firstReconcileMs = 10_000;

/** Starts the gate; it works until the signal aborts. */
export function startGate(options: GateOptions): Gate {
  const { readiness, recordAnnotation, queueUrl, reconcileMs } = options;
  const { kubernetes, nodes, groups, hooks, signal, tell } = options;
  const passages = new Map<string, Passage>();
  const busy = new Set<string>();
  /** Instances that have been nodes: one whose node is deleted later is not late. */
  const wereNodes = new Set<string>();
  const wake = createWake();
  // At the start messages are on their way. A process that is killed again and again must get there, too.
  let reconcileAt = Date.now() + Math.min(firstReconcileMs, reconcileMs);
  let unplaceable: { pods: Promise<UnplaceablePod[]>; until: number } | undefined;

  const failed = (what: string) => (error: unknown) => {
    if (!signal.aborted) tell({ type: "failed", what, error });
  };
  const context: GateContext = { ...options, wake: wake.notify, brake };

  /** A node does not wait behind the taint for what cannot be looked at; only its answer does. */
  async function brake(instanceId: string, since: number): Promise<string | undefined> {
    try {
      return await lookAtGroup(instanceId, since);
    } catch (error) {
      signal.throwIfAborted();
      failed("look at what drains")(error);
      return "it is not known what drains";
    }
  }

  async function lookAtGroup(instanceId: string, since: number): Promise<string | undefined> {
    const group = groups.find(instanceId)?.group;
    if (group === undefined) return undefined;
    await groups.refresh(groupsLastMs);
    if (unplaceable === undefined || unplaceable.until < Date.now()) {
      unplaceable = { pods: listUnplaceable(kubernetes, signal), until: Date.now() + podsLastMs };
    }
    return brakeOf({
      ...{
        group: group.name,
        draining: drainingOf(group.name),
        maxDraining: readiness.maxDraining,
      },
      ...{ unplaceable: await unplaceable.pods, rollingSince: since },
      gated: [...passages.values()].flatMap((passage) => passage.waitingNode() ?? []),
      startupTaint: readiness.startupTaint,
    });
  }

  /** By Auto Scaling's word, or by the record of a drain that has no hook. */
  function drainingOf(name: string): string[] {
    return [...nodes.all()].flatMap(([instanceId, { metadata, spec }]) => {
      const membership = groups.find(instanceId);
      if (membership?.group.name !== name) return [];
      const { state } = membership;
      const hasRecord = spec.unschedulable && recordAnnotation in metadata.annotations;
      const drains = state.startsWith("Terminating")
        ? state === "Terminating" || state === "Terminating:Wait"
        : hasRecord;
      return drains ? [instanceId] : [];
    });
  }

  function discover(): void {
    for (const [instanceId, node] of nodes.all()) {
      const membership = groups.find(instanceId);
      if (membership === undefined || isLeaving(membership.state)) continue;
      wereNodes.add(instanceId);
      if (isGated(node, readiness.startupTaint)) admit(instanceId);
    }
    for (const instanceId of groups.arrived()) {
      if (!wereNodes.has(instanceId) && !isLeaving(groups.find(instanceId)?.state))
        admit(instanceId);
    }
  }

  function admit(instanceId: string, heardAt?: number): Passage {
    const known = passages.get(instanceId);
    if (known !== undefined) return known;
    const arrivedAt = groups.find(instanceId)?.arrivedAt;
    const passage = startPassage(instanceId, context, heardAt ?? arrivedAt ?? Date.now());
    passages.set(instanceId, passage);
    return passage;
  }

  function dismiss(passage: Passage): void {
    passage.close();
    passages.delete(passage.instanceId);
  }

  function join(launch: LaunchAction): void {
    admit(launch.action.instanceId, launch.since).join(launch);
    wake.notify();
  }

  /** Takes up the instances that wait for a launch hook of ours whose message got lost, on whatever way. */
  async function takeUpWaiting(): Promise<void> {
    const own = { queueUrl, hooks: readiness.hooks };
    await groups.refresh(groupsLastMs);
    for (const { group, instanceId } of groups.inState("Pending:Wait")) {
      const settings = await hooks.settings(group);
      for (const hook of settings) {
        if (hook.transition !== "launching" || !isOwnHook(hook, own)) continue;
        join({ action: { asg: group, hook: hook.name, instanceId }, since: Date.now() });
      }
    }
  }

  async function step(passage: Passage): Promise<void> {
    const { instanceId } = passage;
    if (busy.has(instanceId)) return;
    busy.add(instanceId);
    try {
      if (await passage.step()) wake.notify();
    } catch (error) {
      failed(`gate ${instanceId}`)(error);
    } finally {
      busy.delete(instanceId);
    }
  }

  async function work(): Promise<void> {
    await nodes.ready;
    nodes.onChange(wake.notify, signal);
    signal.addEventListener("abort", wake.notify);
    while (!signal.aborted) {
      const rest =
        passages.size > 0 ? tickMs : hasUnknown() ? groupsLastMs : Math.min(idleMs, reconcileMs);
      await groups.refresh(Math.max(rest, groupsLastMs)).catch(failed("describe groups"));
      discover();
      if (Date.now() >= reconcileAt) {
        reconcileAt = Date.now() + reconcileMs;
        await takeUpWaiting().catch(failed("look for lost launch messages"));
      }
      for (const passage of passages.values()) {
        if (passage.isOver()) dismiss(passage);
        else void step(passage);
      }
      const untilReconcileMs = Math.max(0, reconcileAt - Date.now());
      await wake.wait(Math.min(passages.size > 0 ? tickMs : rest, untilReconcileMs));
    }
    for (const passage of passages.values()) passage.close();
  }

  /** A node behind our taint that is of none of our groups yet: they may have grown. */
  function hasUnknown(): boolean {
    return [...nodes.all()].some(
      ([instanceId, node]) =>
        groups.find(instanceId) === undefined && isGated(node, readiness.startupTaint),
    );
  }

  void work().catch(failed("gate"));
  return {
    join,
    messages: () => [...passages.values()].flatMap((passage) => passage.messages()),
    waiting: () =>
      [...passages.values()].map((passage) => ({
        instanceId: passage.instanceId,
        wait: passage.wait()?.code ?? "none",
      })),
  };
}
