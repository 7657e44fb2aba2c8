import type { HookSettings } from "../../src/aws/lifecycle-hooks.ts";
import { createBudgetLedger } from "../../src/drain/budget-ledger.ts";
import type { EvictionOutcome } from "../../src/drain/eviction.ts";
import {
  createDrainMachine,
  type DrainDecision,
  type DrainMachine,
} from "../../src/drain/machine.ts";
import type { Node, Pod } from "../../src/kubernetes/objects.ts";
import { createHeart, type Heart } from "../../src/rollout/heart.ts";
import { judgeMessage } from "../../src/rollout/intake.ts";
import {
  createRolloutMachine,
  type NodeView,
  type RolloutDecision,
  type RolloutMachine,
  type RolloutStep,
} from "../../src/rollout/machine.ts";
import { actionsOf } from "../../src/rollout/reconcile.ts";
import { type HeldAction, parseRecord, recordText } from "../../src/rollout/record.ts";
import type { Clock, Dice } from "./clock.ts";
import type { SimCluster } from "./cluster.ts";
import type { SimMessage, SimQueue } from "./queue.ts";

/** The outside as a replica reaches it. */
export interface SimWorld {
  clock: Clock;
  dice: Dice;
  cluster: SimCluster;
  queue: SimQueue;
  groups: string[];
  hookSettings: HookSettings[];
  drain: { timeoutMs: number; onTimeout: "wait" | "force" };
  waiting(): { asg: string; instanceId: string; transition: "terminating" | "launching" }[];
  heartbeat(action: HeldAction): "held" | "gone";
  complete(action: HeldAction): "completed" | "gone";
  /** How often requests fail: before they are applied, or after. */
  faults: { before: number; after: number };
  /** What is wrong with the daemon, for a test of the test. */
  defect: Defect | undefined;
}

/** A mistake that a daemon could be built with. */
export type Defect =
  | "completes before the node is empty"
  | "deletes the message first"
  | "evicts by name alone"
  | "takes every node for its own"
  | "evicts again after a lost answer"
  | "takes other groups for its own"
  | "sends heartbeats too late"
  | "deletes by an old receipt"
  | "never takes over"
  | "ends when a request fails"
  | "never looks for lost messages"
  | "takes an action for as young as its news"
  | "forces although it should wait"
  | "forces too early"
  | "forces without grace"
  | "forces with less grace than there is time"
  | "forces twice"
  | "never forces"
  | "takes what it forced for gone";

interface SimDrain {
  stop(): void;
  /** Calls back when it has been stopped and nothing of it is under way. */
  ended(then: () => void): void;
}

interface End {
  machine: RolloutMachine;
  hearts: Map<string, { heart: Heart; action: HeldAction }>;
  view?: NodeView | undefined;
  /** The drain that is wanted, and the last that was begun: the next one begins when nothing of it is under way. */
  wanted?: string | undefined;
  drain?: SimDrain | undefined;
  timer: number;
}

const annotation = "node-rollout/record";
const visibilityMs = 30_000;
const takeOverMs = 60_000;
const firstReconcileMs = 10_000;
const reconcileMs = 60_000;

/**
 * One process of the daemon: the decisions are its own code, what carries them out is written anew for the virtual
 * clock. Each request takes some time and may fail before or after it was applied.
 *
 * @returns how to end it: by SIGKILL, or by SIGTERM, on which it hands over
 */
export function startReplica(world: SimWorld, name: string): { kill(): void; terminate(): void } {
  const { clock, dice, cluster, queue, defect } = world;
  const ledger = createBudgetLedger();
  const ends = new Map<string, End>();
  const nodes = new Map<string, Node>();
  const over = new Map<string, Set<string>>();
  const seen = new Map<string, { text: string | undefined; since: number }>();
  const inbox = new Map<string, { message: SimMessage; instances: Set<string> }>();
  const drains = new Set<DrainWatch>();
  let alive = true;
  let nodesKnown = false;

  const later = (ms: number, act: () => void) => clock.after(ms, () => alive && act());

  /** Sends a request; a fault leaves its sender without an answer, whatever became of it. */
  function request<T>(apply: () => T, done: (answer: T) => void, failed: () => void): void {
    const fault = dice.roll();
    // What was sent before a kill may still arrive.
    clock.after(dice.between(1, 100), () => {
      if (fault < world.faults.before) return later(dice.between(1, 2000), failed);
      const answer = apply();
      if (fault < world.faults.before + world.faults.after)
        return later(dice.between(1, 2000), failed);
      later(dice.between(1, 100), () => done(answer));
    });
  }

  function viewOf(node: Node, instanceId: string): NodeView {
    const { name: nodeName, uid, resourceVersion, annotations } = node.metadata;
    const text = annotations[annotation];
    const known = seen.get(uid);
    const since = known?.text === text && known !== undefined ? known.since : clock.now();
    seen.set(uid, { text, since });
    const record = parseRecord(text, instanceId);
    if (record?.holder !== undefined && defect === "takes every node for its own") {
      record.holder = name;
    }
    return { name: nodeName, uid, resourceVersion, record, recordSince: since };
  }

  function endOf(instanceId: string): End {
    const known = ends.get(instanceId);
    if (known !== undefined) return known;
    const machine = createRolloutMachine({
      ...{ instanceId, replica: name, unknownMs: 300_000, now: clock.now() },
      isFollowed: () => true,
      takeOverMs: defect === "never takes over" ? 1e12 : takeOverMs,
      drain:
        defect === "forces although it should wait"
          ? { ...world.drain, onTimeout: "force" }
          : world.drain,
    });
    const end: End = { machine, hearts: new Map(), timer: 0 };
    ends.set(instanceId, end);
    later(0, () => look(instanceId));
    return end;
  }

  function join(instanceId: string, action?: HeldAction): void {
    const end = endOf(instanceId);
    const mine = [...inbox.values()].some(({ instances }) => instances.has(instanceId));
    if (mine) end.machine.joined();
    const key = action && end.machine.joined(action);
    if (key !== undefined && action !== undefined) {
      const heart = createHeart();
      end.hearts.set(key, { heart, action });
      beat(instanceId, key);
      later(dice.between(1, 1000), () => heart.learned(world.hookSettings[0]!));
    }
    wake(instanceId);
  }

  function beat(instanceId: string, key: string): void {
    const end = ends.get(instanceId);
    const held = end?.hearts.get(key);
    if (end === undefined || held === undefined) return;
    const { heart, action } = held;
    const answered = (answer: "held" | "gone" | "failed") => {
      if (end.hearts.get(key) !== held) return;
      heart.answered(answer, clock.now());
      end.machine.heard(key, heart.state(), heart.limitMs());
      end.machine.probed(key);
      wake(instanceId);
      if (heart.state() === "gone") return;
      const slow = defect === "sends heartbeats too late" ? 10 : 1;
      later((heart.dueAt() - clock.now()) * slow, () => beat(instanceId, key));
    };
    request(
      () => world.heartbeat(action),
      answered,
      () => answered("failed"),
    );
  }

  function look(instanceId: string): void {
    const end = ends.get(instanceId);
    if (end === undefined || !nodesKnown) return;
    const node = nodes.get(instanceId);
    end.view = node && viewOf(node, instanceId);
    end.machine.seen(end.view);
    for (const action of end.view?.record?.actions ?? []) join(instanceId, action);
    wake(instanceId);
  }

  /** The loop of a rollout: decide, begin what was decided, sleep until something happens or the time has come. */
  function wake(instanceId: string): void {
    const end = ends.get(instanceId);
    if (end === undefined) return;
    const timer = ++end.timer;
    later(0, () => {
      if (ends.get(instanceId) !== end || end.timer !== timer) return;
      for (const [key, { heart }] of end.hearts) {
        end.machine.heard(key, heart.state(), heart.limitMs());
      }
      const decision = end.machine.decide(clock.now());
      perform(instanceId, end, decision);
      if (decision.outcome !== undefined) return finish(instanceId, end);
      later(Math.max(1, decision.askAt - clock.now()), () => {
        if (end.timer === timer) wake(instanceId);
      });
    });
  }

  function finish(instanceId: string, end: End): void {
    end.wanted = undefined;
    end.drain?.stop();
    ends.delete(instanceId);
    const names = [...end.hearts.values()].map(({ action }) => `${action.asg} ${action.hook}`);
    over.set(instanceId, new Set(names));
  }

  function perform(instanceId: string, end: End, decision: RolloutDecision): void {
    const { machine } = end;
    const fail = (step: RolloutStep) => () => {
      if (defect === "ends when a request fails") return finish(instanceId, end);
      machine.failed(step, clock.now());
      wake(instanceId);
    };
    for (const key of decision.probe) beat(instanceId, key);
    if (decision.claim !== undefined) {
      const { node, record } = decision.claim;
      writeNode(instanceId, end, "claim", node, recordText(record), fail("claim"));
    }
    if (decision.clear !== undefined) {
      writeNode(instanceId, end, "clear", decision.clear, null, fail("clear"));
    }
    wantDrain(instanceId, end, decision.drain);
    for (const { key, action } of decision.complete) {
      const held = end.hearts.get(key);
      const done = () => {
        end.hearts.delete(key);
        machine.completed(key);
        wake(instanceId);
      };
      request(
        () => world.complete(held?.action ?? { ...action, since: 0 }),
        done,
        fail(`complete ${key}`),
      );
    }
    const first = defect === "deletes the message first" && end.hearts.size > 0;
    if (decision.deleteMessages || first) deleteMessages(instanceId, end, fail("delete"));
  }

  function writeNode(
    instanceId: string,
    end: End,
    step: "claim" | "clear",
    node: NodeView,
    text: string | null,
    failed: () => void,
  ): void {
    const sentAt = clock.now();
    request(
      () => {
        const result = cluster.patchNode(node.name, node.resourceVersion, annotation, text);
        return typeof result === "string"
          ? { result, now: cluster.nodes.get(node.name) }
          : { result };
      },
      ({ result, now }) => {
        if (typeof result === "string") end.machine.overtaken(step, now && viewOf(now, instanceId));
        else if (step === "claim") end.machine.claimed(viewOf(result, instanceId), sentAt);
        else end.machine.cleared();
        wake(instanceId);
      },
      failed,
    );
  }

  function deleteMessages(instanceId: string, end: End, failed: () => void): void {
    const mine = [...inbox.values()].filter(({ instances }) => instances.has(instanceId));
    const old = defect === "deletes by an old receipt" ? 1 : 0;
    request(
      () => {
        for (const { message } of mine) queue.delete(message.id, message.receipt - old);
      },
      () => {
        for (const entry of mine) {
          if (inbox.get(entry.message.id) === entry) inbox.delete(entry.message.id);
        }
        end.machine.deleted();
        wake(instanceId);
      },
      failed,
    );
  }

  function wantDrain(instanceId: string, end: End, drain: RolloutDecision["drain"]): void {
    const key = drain && `${drain.node} ${drain.forceBy}`;
    if (key === end.wanted) return;
    end.wanted = key;
    end.drain?.stop();
    if (drain === undefined) return;
    const begin = () => {
      if (end.wanted !== key) return;
      end.drain = startDrain(drain, () => {
        end.machine.drained();
        wake(instanceId);
      });
    };
    if (end.drain === undefined) begin();
    else end.drain.ended(begin);
    if (defect === "completes before the node is empty") later(500, () => end.machine.drained());
  }

  interface DrainWatch {
    node: string;
    machine: DrainMachine;
    wake(): void;
  }

  /** As `drainNode` does it. */
  function startDrain(
    { node, forceBy }: NonNullable<RolloutDecision["drain"]>,
    drained: () => void,
  ): SimDrain {
    const early = defect === "forces too early" ? 60_000 : 0;
    const machine = createDrainMachine({
      ...{ policy: { evictUnreplicated: true }, ledger },
      ...(forceBy === undefined || defect === "never forces" ? {} : { forceBy: forceBy - early }),
    });
    const settledAt = clock.now() + 1000;
    let running = true;
    let listing = false;
    let timer = 0;
    const list = (then: () => void) => {
      if (listing) return;
      listing = true;
      request(
        () => cluster.podsOn(node),
        (pods) => {
          listing = false;
          machine.listed(pods);
          then();
        },
        () => {
          listing = false;
          later(1000, watch.wake);
        },
      );
    };
    let known = false;
    const watch: DrainWatch = {
      node,
      machine,
      wake() {
        const mine = ++timer;
        later(0, () => {
          if (!running || mine !== timer) return;
          if (!known) {
            return list(() => {
              known = true;
              drains.add(watch);
              watch.wake();
            });
          }
          const decision = machine.decide(clock.now());
          for (const { pod } of decision.evict) evict(pod);
          for (const verdict of decision.force) force(verdict);
          for (const pod of decision.look) lookAt(pod);
          if (decision.empty && clock.now() >= settledAt) {
            return list(() => {
              if (!running) return;
              if (machine.decide(clock.now()).empty) drained();
              else watch.wake();
            });
          }
          const at = decision.empty ? settledAt : decision.askAt;
          later(Math.max(10, at - clock.now()), () => mine === timer && watch.wake());
        });
      },
    };
    let underWay = 0;
    let ended = () => {};
    const answer = (uid: string, outcome: EvictionOutcome) => {
      machine.answered(uid, outcome, clock.now());
      watch.wake();
    };
    /**
     * An eviction or a deletion. It waits for its turn, and is not sent when the drain is over by then; its answer is
     * waited for even so.
     */
    const act = (
      uid: string,
      apply: () => EvictionOutcome,
      unanswered: EvictionOutcome = { kind: "unclear", message: "" },
    ) => {
      underWay += 1;
      const done = (outcome: EvictionOutcome) => {
        underWay -= 1;
        answer(uid, outcome);
        if (!running && underWay === 0) ended();
      };
      later(dice.chance(0.1) ? dice.between(0, 5000) : 0, () => {
        if (!running) return done({ kind: "unclear", message: "" });
        machine.sent(uid, clock.now());
        request(apply, done, () => done(unanswered));
      });
    };
    function evict(pod: { name: string; uid: string }): void {
      const lost: EvictionOutcome =
        defect === "evicts again after a lost answer"
          ? { kind: "later", message: "" }
          : { kind: "unclear", message: "" };
      act(pod.uid, () => cluster.evict(pod, defect !== "evicts by name alone"), lost);
    }
    function force({ pod, graceSeconds }: DrainDecision["force"][number]): void {
      const grace =
        defect === "forces without grace"
          ? 0
          : defect === "forces with less grace than there is time"
            ? 1
            : graceSeconds;
      const send = () => act(pod.uid, () => cluster.forceDelete(pod, grace));
      send();
      if (defect === "forces twice") later(500, send);
      if (defect === "takes what it forced for gone") later(500, drained);
    }
    function lookAt(pod: { uid: string }): void {
      request(
        () => cluster.pods.get(pod.uid)?.pod,
        (found) => {
          if (found === undefined) machine.gone(pod.uid);
          else {
            machine.seen(found);
            machine.looked(pod.uid);
          }
          watch.wake();
        },
        () => answer(pod.uid, { kind: "unclear", message: "" }),
      );
    }
    watch.wake();
    return {
      stop() {
        running = false;
        drains.delete(watch);
      },
      ended(then) {
        if (underWay === 0) then();
        else ended = then;
      },
    };
  }

  function poll(): void {
    request(
      () => queue.receive(visibilityMs),
      (received) => {
        for (const message of received) take(message);
        later(dice.between(10, 2000), poll);
      },
      () => later(2000, poll),
    );
  }

  function take(message: SimMessage): void {
    const interruptions = ["spot" as const];
    const groups =
      defect === "takes other groups for its own" ? [...world.groups, "foreign"] : world.groups;
    const intake = judgeMessage(message.body, { groups, interruptions, drain: {} });
    if (intake.outcome === "ignored") queue.delete(message.id, message.receipt);
    if (intake.outcome !== "taken") return;
    const instances = new Set([...(inbox.get(message.id)?.instances ?? []), ...intake.instanceIds]);
    inbox.set(message.id, { message, instances });
    const isLate = defect === "takes an action for as young as its news";
    const since = isLate ? clock.now() : message.sentAt;
    for (const instanceId of intake.instanceIds) {
      join(instanceId, intake.action && { ...intake.action, since });
    }
  }

  function renew(): void {
    for (const { message } of inbox.values()) queue.hide(message.id, message.receipt, visibilityMs);
    later(visibilityMs / 3, renew);
  }

  function reconcile(): void {
    if (defect === "never looks for lost messages") return;
    for (const [instanceId, node] of nodes) {
      for (const action of viewOf(node, instanceId).record?.actions ?? []) join(instanceId, action);
    }
    const waiting = world.waiting();
    for (const id of over.keys()) {
      if (!waiting.some(({ instanceId }) => instanceId === id)) over.delete(id);
    }
    for (const instance of waiting) {
      const config = { queueUrl: "https://sqs/1/q", drain: {} };
      for (const action of actionsOf(instance, world.hookSettings, config, clock.now())) {
        const ended = over.get(instance.instanceId)?.has(`${action.asg} ${action.hook}`);
        if (!ended) join(instance.instanceId, action);
      }
    }
    later(reconcileMs, reconcile);
  }

  const stopWatching = cluster.watch({
    node(node, instanceId) {
      if (!alive) return;
      const known = Number(nodes.get(instanceId)?.metadata.resourceVersion ?? 0);
      if (node === undefined) nodes.delete(instanceId);
      else if (Number(node.metadata.resourceVersion) > known) nodes.set(instanceId, node);
      look(instanceId);
    },
    pod(pod: Pod, gone: boolean) {
      if (!alive) return;
      for (const { node, machine, wake: again } of drains) {
        if (node !== pod.nodeName) continue;
        if (gone) machine.gone(pod.metadata.uid);
        else machine.seen(pod);
        again();
      }
    },
    budget(budget) {
      if (!alive) return;
      ledger.set(budget);
      for (const { wake: again } of drains) again();
    },
  });
  later(dice.between(10, 2000), () => {
    for (const node of cluster.nodes.values()) {
      nodes.set(node.spec.providerID.split("/").at(-1) ?? "", node);
    }
    ledger.replace([...cluster.budgets.values()]);
    nodesKnown = true;
    for (const instanceId of ends.keys()) look(instanceId);
  });
  later(dice.between(10, 2000), poll);
  later(visibilityMs / 3, renew);
  later(firstReconcileMs, reconcile);
  function kill(): void {
    alive = false;
    stopWatching();
  }

  function handOver(): void {
    for (const { machine } of ends.values()) {
      const last = machine.handOver(clock.now());
      if (last === undefined) continue;
      const { node, record } = last;
      cluster.patchNode(node.name, node.resourceVersion, annotation, recordText(record));
    }
    for (const { message } of inbox.values()) queue.hide(message.id, message.receipt, 0);
  }

  return {
    kill,
    terminate() {
      kill();
      handOver();
    },
  };
}
