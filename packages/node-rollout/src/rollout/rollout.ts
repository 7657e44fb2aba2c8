import type { Wait } from "../wait.ts";
import { createWake } from "../wake.ts";
import { type RecordWrite, writeRecord } from "./claim.ts";
import type { RolloutContext } from "./context.ts";
import { createDrainRunner } from "./drain-runner.ts";
import { type Hold, holdAction } from "./heartbeat.ts";
import {
  createRolloutMachine,
  type NodeView,
  type RolloutDecision,
  type RolloutPhase,
  type RolloutStep,
} from "./machine.ts";
import type { HeldAction } from "./record.ts";

/** The end of one instance: every message and every hook about it comes together here. */
export interface Rollout {
  phase(): RolloutPhase;
  /** The node's name, once it is known. */
  node(): string | undefined;
  /** What it waits for. */
  waits(): Wait[];
  /** When the last heartbeat of the action that has waited longest for one was accepted, in milliseconds; none: never. */
  heartbeatAt(): number | undefined;
  /** A message about the instance is in hand, or something else says that an action holds it; heartbeats begin at once. */
  join(action?: HeldAction): void;
  /** Resolves when it is over, or handed over: the record says so, and nothing is under way any more. */
  ended: Promise<void>;
}

const longestWaitMs = 60_000;
const handOverMs = 3000;

/**
 * Begins the end of an instance: find its node, cordon and drain it, complete every hook, delete the messages.
 * What is done when is decided by the machine; here it is only carried out.
 *
 * @param over told at the very end, and synchronously, with the actions that are over: whatever comes later begins anew
 */
export function startRollout(
  instanceId: string,
  context: RolloutContext,
  over: (actions: HeldAction[]) => void,
): Rollout {
  const { config, hooks, inbox, nodes, sightings, signal, tell } = context;
  const began = Date.now();
  const machine = createRolloutMachine({
    instanceId,
    replica: context.replica,
    takeOverMs: config.takeOverSeconds * 1000,
    unknownMs: config.unknownInstanceSeconds * 1000,
    isFollowed: nodes.isFollowed,
    drain: { timeoutMs: config.drain.timeoutSeconds * 1000, onTimeout: config.drain.onTimeout },
    now: began,
  });
  const wake = createWake();
  const actions = new Map<string, HeldAction>();
  const holds = new Map<string, Hold>();
  const closing = new AbortController();
  const ended = Promise.withResolvers<void>();
  let view: NodeView | undefined;
  let decision: RolloutDecision | undefined;
  let shown = "";

  const drain = createDrainRunner(context, {
    progress: (node, progress) => tell({ type: "progress", instanceId, node, progress }),
    begun: (node) => tell({ type: "begun", instanceId, node }),
    waiting: machine.draining,
    drained() {
      machine.drained();
      wake.notify();
    },
    failed: (node, error) => tell({ type: "failed", what: `drain ${node}`, error }),
  });

  function join(action?: HeldAction): void {
    const key = machine.joined(action);
    if (key !== undefined && action !== undefined) hold(key, action);
    wake.notify();
  }

  function hold(key: string, action: HeldAction): void {
    const { hook } = action;
    actions.set(key, action);
    const held = holdAction({
      ...{ hooks, action },
      onChange(state) {
        tell({ type: "heartbeat", instanceId, hook, state });
        wake.notify();
      },
      onFailure: (error) => tell({ type: "failed", what: `heartbeat of ${hook}`, error }),
    });
    holds.set(key, held);
  }

  /** What the index of nodes says; the actions in a record are as good as those of a message. */
  function look(): void {
    const node = nodes.find(instanceId);
    if (node !== undefined && node.metadata.resourceVersion === view?.resourceVersion) return;
    view = node && sightings.viewOf(node, instanceId);
    machine.seen(view);
    for (const action of view?.record?.actions ?? []) {
      if (config.groups.includes(action.asg)) join(action);
    }
    wake.notify();
  }

  async function run(): Promise<void> {
    void nodes.ready.then(() => {
      if (closing.signal.aborted) return;
      nodes.onChangeOf(instanceId, look, closing.signal);
      look();
    });
    signal.addEventListener("abort", wake.notify, { signal: closing.signal });
    while (!signal.aborted) {
      for (const [key, held] of holds) machine.heard(key, held.state(), held.limitMs());
      decision = machine.decide(Date.now());
      perform(decision);
      if (decision.outcome !== undefined) return end(decision.outcome);
      await wake.wait(Math.min(Math.max(decision.askAt - Date.now(), 1), longestWaitMs));
    }
    await drain.stop();
    await handOver();
    end("handed-over");
  }

  function perform({ probe, claim, drain: wanted, complete, clear, ...more }: RolloutDecision) {
    for (const key of probe) begin(() => probeAction(key));
    if (claim !== undefined) begin(() => write("claim", claim), "claim");
    drain.want(wanted);
    for (const { key } of complete) begin(() => completeAction(key), `complete ${key}`);
    if (clear !== undefined) begin(() => write("clear", { node: clear }), "clear");
    if (more.deleteMessages) begin(deleteMessages, "delete");
    if (more.alarm) tell({ type: "alarm", instanceId, node: view?.name ?? instanceId });
    const text = more.waits.map(({ code, object }) => `${code} ${object}`).join();
    if (text !== shown) tell({ type: "waiting", instanceId, waits: more.waits });
    shown = text;
  }

  /** Begins a request without waiting for it; a failure goes to the machine, which decides when to try again. */
  function begin(act: () => Promise<void>, step?: RolloutStep): void {
    const failed = (error: unknown) => {
      if (signal.aborted) return;
      if (step !== undefined) machine.failed(step, Date.now());
      tell({ type: "failed", what: `${step ?? "probe"} for ${instanceId}`, error });
    };
    act().catch(failed).finally(wake.notify);
  }

  async function probeAction(key: string): Promise<void> {
    const held = holds.get(key);
    await held?.probe();
    if (held !== undefined) machine.heard(key, held.state(), held.limitMs());
    machine.probed(key);
  }

  async function write(
    step: "claim" | "clear",
    { node, record, cordon = false }: { node: NodeView } & Partial<RolloutDecision["claim"]>,
  ): Promise<void> {
    const sentAt = Date.now();
    const { recordAnnotation: annotation } = config;
    const what = { annotation, record, cordon };
    // Outside the rate that evictions share: a renewal that stood in line behind them would lose the node to another
    // replica, and a cordon is what keeps new pods away. There are three writes a node in takeOverSeconds.
    const result = await writeRecord(context.kubernetes, node, what, signal);
    if (result.kind === "overtaken") return machine.overtaken(step, viewOf(result));
    if (step === "clear") return machine.cleared();
    machine.claimed(viewOf(result)!, sentAt);
    const progress = { type: "cordoned", node: node.name } as const;
    if (cordon) tell({ type: "progress", instanceId, node: node.name, progress });
  }

  function viewOf({ node }: RecordWrite): NodeView | undefined {
    return node && sightings.viewOf(node, instanceId);
  }

  async function completeAction(key: string): Promise<void> {
    const held = holds.get(key);
    if (held === undefined) return;
    const { asg, hook } = held.action;
    const result = await hooks.complete(held.action, "CONTINUE", signal);
    held.release();
    holds.delete(key);
    machine.completed(key);
    tell({ type: "completed", instanceId, asg, hook, result });
  }

  async function deleteMessages(): Promise<void> {
    await inbox.finish(instanceId);
    machine.deleted();
  }

  /** Leaves the record without a holder, so that the next process need not wait for us to be taken for dead. */
  async function handOver(): Promise<void> {
    const last = machine.handOver(Date.now());
    if (last === undefined) return;
    const { recordAnnotation: annotation } = config;
    const { record } = last;
    const enough = AbortSignal.timeout(handOverMs);
    await writeRecord(context.kubernetes, last.node, { annotation, record }, enough).catch(
      () => {},
    );
  }

  function end(outcome: NonNullable<RolloutDecision["outcome"]>): void {
    closing.abort();
    for (const held of holds.values()) held.release();
    over([...actions.values()]);
    tell({ type: "ended", instanceId, outcome, durationMs: Date.now() - began });
    ended.resolve();
  }

  let running = false;
  return {
    phase: () => decision?.phase ?? "finding",
    node: () => view?.name,
    waits: () => decision?.waits ?? [],
    heartbeatAt() {
      const accepted = [...holds.values()].flatMap((hold) => hold.heldAt() ?? []);
      return accepted.length === 0 ? undefined : Math.min(...accepted);
    },
    ended: ended.promise,
    join(action) {
      if (inbox.has(instanceId)) join();
      if (action !== undefined) join(action);
      if (!running) void run();
      running = true;
    },
  };
}
