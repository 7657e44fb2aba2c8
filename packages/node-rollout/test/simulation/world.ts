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
/** The shortest that Auto Scaling has would be 30 s; outages of a minute must fit. */
const heartbeatTimeout = 300;

/**
 * Lives through one random cluster with random faults: one to three instances end, one or two daemons work, are
 * killed and started again; requests fail before or after they were applied; messages are lost or come twice.
 *
 * @returns what happened that must not happen; empty when all is well
 */
export function simulate(seed: number, defect?: Defect): string[] {
  const dice = createDice(seed);
  const clock = createClock(begin);
  const cluster = createCluster(clock, dice);
  const lifecycle = new Lifecycle(clock.now);
  const { violations } = cluster;
  const groups = ["workers-a", "workers-b"];
  const hookNames = dice.chance(0.3) ? ["drain", "save-logs"] : ["drain"];
  addGroups(lifecycle, [...groups, "foreign"], hookNames);
  const bodies = new Map<string, Action>();
  const completions = new Map<Action, number>();
  const sent: Action[] = [];

  const queue = createQueue(clock, dice, ({ body }) => {
    if (bodies.get(body)?.state === "waiting")
      violations.push("a message deleted before its action was over");
  });
  const nameOf = ({ asg: group, hook, instanceId, token }: HeldAction) =>
    token === undefined ? { group, hook, instanceId } : { group, hook, token };

  const world: SimWorld = {
    ...{ clock, dice, cluster, queue, groups, defect },
    hookSettings: hookNames.map((name) => ({
      ...{ name, transition: "terminating", heartbeatMs: heartbeatTimeout * 1000 },
      limitMs: heartbeatTimeout * 100_000,
    })),
    faults: dice.chance(0.7)
      ? { before: dice.roll() * 0.15, after: dice.roll() * 0.1 }
      : { before: 0, after: 0 },
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
      if (left.length > 0) violations.push(`completed with ${left.join()} still on the node`);
      return answer;
    },
  };
  const mustGo = (instanceId: string) =>
    cluster.podsOn(`node-${instanceId}`).map(({ metadata }) => metadata.name);

  const instances = Array.from({ length: dice.between(1, 3) }, (_, index) => `i-${index}`);
  populate(world, instances);
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
function populate({ cluster, dice }: SimWorld, instances: string[]): void {
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
    cluster.addBudget(budget, dice.chance(0.5) ? replicas - 1 : dice.between(1, replicas - 1));
    for (let index = 0; index < replicas; index += 1) {
      const node = nodes[dice.between(0, nodes.length - 1)]!;
      cluster.addPod({ ...{ name: `${budget}-${index}`, node, budget, grace, sticky } });
    }
  }
}

/** A message by one, two or three ways, some late; one in ten is lost on every way. */
function notify(
  { clock, dice, queue }: SimWorld,
  action: Action,
  bodies: Map<string, Action>,
): void {
  if (action.group !== "foreign" && dice.chance(0.1)) return;
  const direct = directNotification(action);
  const ways = [direct, eventBridgeNotification(action), snsEnvelope(direct)];
  for (const body of ways.slice(0, dice.between(1, 3))) {
    bodies.set(body, action);
    clock.after(dice.between(0, 5000), () => queue.send(body));
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
