import { type Action, Lifecycle, ServiceError } from "@internal/test/aws/lifecycle";
import {
  directNotification,
  eventBridgeNotification,
  snsEnvelope,
} from "@internal/test/aws/notifications";
import type { Node, Pod } from "../../src/kubernetes/objects.ts";
import type { HeldAction } from "../../src/rollout/record.ts";
import { createClock, createDice } from "./clock.ts";
import { createCluster } from "./cluster.ts";
import { createQueue } from "./queue.ts";
import { type Defect, type SimWorld, startReplica } from "./replica.ts";

const begin = Date.UTC(2026, 0, 1);
const hours = 3600_000;
const seconds = 1000;
/** The shortest that Auto Scaling has would be 30 s; outages of a minute must fit. */
const heartbeatTimeout = 300;
const limitMs = heartbeatTimeout * 100 * seconds;
/** What the daemon keeps of a hook's limit: to complete in time, and before that for the last pods to be gone. */
const limitMarginMs = 30 * seconds;
const forceMarginMs = 30 * seconds;
/** Outages, lost messages and take-overs put a forced end off by so much at most. */
const patienceMs = 300 * seconds;

/**
 * Lives through one random cluster with random faults: one to three instances end, one or two daemons work, are
 * killed and started again; requests fail before or after they were applied; messages are lost or come twice.
 *
 * @returns what happened that must not happen; empty when all is well
 */
export function simulate(seed: number, defect?: Defect): string[] {
  const dice = createDice(seed);
  const clock = createClock(begin);
  const drain = {
    onTimeout: dice.chance(0.5) ? ("force" as const) : ("wait" as const),
    timeoutMs: dice.between(20, 3000) * seconds,
  };
  // Some nodes have pods that nothing but force or the end of all patience frees.
  const stubborn = dice.chance(0.4);
  // Where that is what is left, the actions have been held for hours already when this begins.
  const isOld = stubborn && drain.onTimeout === "wait" ? true : dice.chance(0.2);
  const ageMs = isOld ? limitMs - dice.between(1500, 2400) * seconds : 0;
  const faults = dice.chance(0.7)
    ? { before: dice.roll() * 0.15, after: dice.roll() * 0.1 }
    : { before: 0, after: 0 };
  const sent: Action[] = [];
  const cluster = createCluster(clock, dice, {
    isReliable: () => faults.before + faults.after === 0,
    emptyBy: (node) => emptyByOf(sent.find(({ instanceId }) => node === `node-${instanceId}`)),
  });
  /** When the last pod must be gone: the daemon may think a little later, for it hears of everything late. */
  const emptyByOf = (action: Action | undefined) => {
    if (drain.onTimeout === "wait" || action === undefined) return Number.POSITIVE_INFINITY;
    const limitAt = action.startedAt + limitMs - limitMarginMs - forceMarginMs;
    return Math.min(action.startedAt + ageMs + drain.timeoutMs, limitAt);
  };
  const lifecycle = new Lifecycle(clock.now);
  const { violations } = cluster;
  const groups = ["workers-a", "workers-b"];
  const hookNames = dice.chance(0.3) ? ["drain", "save-logs"] : ["drain"];
  addGroups(lifecycle, [...groups, "foreign"], hookNames);
  const bodies = new Map<string, Action>();
  const completions = new Map<Action, number>();

  const queue = createQueue(clock, dice, ({ body }) => {
    if (bodies.get(body)?.state === "waiting")
      violations.push("a message deleted before its action was over");
  });
  const nameOf = ({ asg: group, hook, instanceId, token }: HeldAction) =>
    token === undefined ? { group, hook, instanceId } : { group, hook, token };

  const world: SimWorld = {
    ...{ clock, dice, cluster, queue, groups, drain, faults, defect },
    hookSettings: hookNames.map((name) => ({
      ...{ name, transition: "terminating", heartbeatMs: heartbeatTimeout * seconds, limitMs },
    })),
    waiting: () =>
      groups.flatMap((asg) =>
        [...(lifecycle.groups.get(asg)?.instances.values() ?? [])]
          .filter(({ state }) => state === "Terminating:Wait")
          .map(({ id }) => ({ asg, instanceId: id, transition: "terminating" as const })),
      ),
    heartbeat: (action) => goneOr("held", () => lifecycle.heartbeat(nameOf(action))),
    complete(action) {
      const { asg, hook, instanceId } = action;
      const target = sent.find(
        (each) =>
          each.group === asg &&
          each.hook.name === hook &&
          each.instanceId === instanceId &&
          each.state === "waiting",
      );
      const answer = goneOr("completed", () => lifecycle.complete(nameOf(action), "CONTINUE"));
      if (answer === "gone" || target === undefined) return answer;
      completions.set(target, (completions.get(target) ?? 0) + 1);
      if (asg === "foreign") violations.push("a foreign action completed");
      const left = mustGo(instanceId);
      const isGivenUp =
        drain.onTimeout === "wait" && clock.now() >= target.startedAt + limitMs - limitMarginMs;
      if (left.length > 0 && !isGivenUp)
        violations.push(`completed with ${left.join()} still on the node`);
      return answer;
    },
  };
  const mustGo = (instanceId: string) =>
    cluster.podsOn(`node-${instanceId}`).map(({ metadata }) => metadata.name);

  const instances = Array.from({ length: dice.between(1, 3) }, (_, index) => `i-${index}`);
  populate(world, instances, stubborn);
  const hasRecord = (node: Node | undefined) =>
    node !== undefined && "node-rollout/record" in node.metadata.annotations;
  const afterwards = () =>
    instances.filter((id) => {
      const node = cluster.nodes.get(`node-${id}`);
      return keeps ? hasRecord(node) : node !== undefined;
    });
  // An instance that goes to a warm pool keeps its node, which must not keep its record.
  const keeps = dice.chance(0.3);
  lifecycle.onSettled = ({ id }) => {
    if (!keeps) clock.after(dice.between(1000, 90_000), () => cluster.deleteNode(`node-${id}`));
  };

  for (const instanceId of [...instances, "i-foreign"]) {
    const group = instanceId === "i-foreign" ? "foreign" : groups[dice.between(0, 1)]!;
    clock.after(dice.between(0, 120_000), () => {
      const actions = lifecycle.begin(group, instanceId, "autoscaling:EC2_INSTANCE_TERMINATING");
      for (const action of actions) action.startedAt -= ageMs;
      sent.push(...actions);
      for (const action of actions) notify(world, action, bodies);
    });
  }
  for (let count = dice.between(0, 20); count > 0; count -= 1) {
    clock.after(dice.between(0, 150_000), () => {
      const uids = instances.flatMap((id) => cluster.podsOn(`node-${id}`)).map(uidOf);
      cluster.deletePod(uids[dice.between(0, uids.length - 1)] ?? "");
    });
  }
  if (dice.chance(0.2)) clock.after(dice.between(0, 60_000), () => queue.send('{"no":"news"}'));

  const replicas = dice.between(1, 2);
  for (let index = 0; index < replicas; index += 1) live(world, `replica-${index}`);

  const mine = () => sent.filter(({ group }) => group !== "foreign");
  const isDone = () =>
    mine().length === instances.length * hookNames.length &&
    mine().every(({ state }) => state !== "waiting") &&
    [...queue.messages.values()].every(({ body }) => bodies.get(body)?.group === "foreign") &&
    afterwards().length === 0;
  clock.run(begin + 2 * hours, isDone);

  for (const action of mine()) {
    if (action.state !== "completed") violations.push(`${action.instanceId} ${action.state}`);
    else if (completions.get(action) !== 1)
      violations.push(`completed ${completions.get(action)} times`);
    if ((action.endedAt ?? 0) > emptyByOf(action) + patienceMs)
      violations.push(`${action.instanceId} completed long after its deadline`);
  }
  if (!isDone())
    violations.push(`not done: ${queue.messages.size} messages, nodes ${afterwards().join()}`);
  return violations;
}

function uidOf({ metadata }: Pod): string {
  return metadata.uid;
}

function addGroups(lifecycle: Lifecycle, names: string[], hookNames: string[]): void {
  for (const name of names) {
    const hooks = hookNames.map((hook) => ({
      ...{ name: hook, heartbeatTimeout, defaultResult: "ABANDON" as const },
      transition: "autoscaling:EC2_INSTANCE_TERMINATING" as const,
    }));
    lifecycle.groups.set(name, { name, hooks, instances: new Map(), tags: {} });
  }
}

/** Nodes that go and one that stays, workloads over all of them, most under a budget. */
function populate({ cluster, dice }: SimWorld, instances: string[], stubborn: boolean): void {
  const leaving = [...instances, "i-foreign"].map((id) => {
    cluster.addNode(`node-${id}`, id);
    return `node-${id}`;
  });
  cluster.addNode("node-stays", "i-stays");
  const nodes = [...leaving, "node-stays"];
  for (let workload = 0; workload < dice.between(1, 4); workload += 1) {
    const replicas = dice.between(2, 6);
    const budget = `web-${workload}`;
    const grace = dice.between(1, 60);
    const sticky = dice.chance(0.5);
    const isFull = stubborn && dice.chance(0.3);
    const least = dice.chance(0.5) ? replicas - 1 : dice.between(1, replicas - 1);
    cluster.addBudget(budget, isFull ? replicas : least);
    for (let index = 0; index < replicas; index += 1) {
      const node = nodes[dice.between(0, nodes.length - 1)]!;
      const kept = stubborn && dice.chance(0.2);
      cluster.addPod({ name: `${budget}-${index}`, node, budget, grace, sticky, kept });
    }
  }
}

/** A message by one, two or three ways, some late; one in ten is lost on every way, unless all depends on its age. */
function notify(
  { clock, dice, queue }: SimWorld,
  action: Action,
  bodies: Map<string, Action>,
): void {
  const isOld = action.startedAt < clock.now();
  if (action.group !== "foreign" && !isOld && dice.chance(0.1)) return;
  const direct = directNotification(action);
  const ways = [direct, eventBridgeNotification(action), snsEnvelope(direct)];
  for (const body of ways.slice(0, dice.between(1, 3))) {
    bodies.set(body, action);
    clock.after(dice.between(0, 5000), () =>
      queue.send(body, isOld ? action.startedAt : undefined),
    );
  }
}

/** A process that is killed now and then and comes back, as the same pod or as another. */
function live(world: SimWorld, name: string, generation = 0): void {
  const { clock, dice } = world;
  const replica = startReplica(world, name);
  if (generation > 3 || dice.chance(0.5)) return;
  clock.after(dice.between(1000, 120_000), () => {
    if (dice.chance(0.5)) replica.kill();
    else replica.terminate();
    const reborn = dice.chance(0.5) ? name : `${name}-${generation}`;
    clock.after(dice.between(1000, 30_000), () => live(world, reborn, generation + 1));
  });
}

function goneOr<T>(success: T, act: () => void): T | "gone" {
  try {
    act();
    return success;
  } catch (error) {
    if (error instanceof ServiceError) return "gone";
    throw error;
  }
}
