import type { AwsFault } from "@internal/test/aws/fake";
import type { Action } from "@internal/test/aws/lifecycle";
import {
  directNotification,
  eventBridgeNotification,
  snsEnvelope,
} from "@internal/test/aws/notifications";
import { useCluster } from "@internal/test/cluster";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cell, eventually, makeCell, makeSite, type Site, stop } from "./cell.ts";
import { createDice, type Dice } from "./simulation/clock.ts";

/** By hand thousands: `SOAK_EVENTS=10000 SOAK_SEED=7 npx vitest run --project cluster …/soak.cluster.test.ts`. */
const events = Number(process.env["SOAK_EVENTS"] ?? 60);
const seed = Number(process.env["SOAK_SEED"] ?? 1);
const perRound = 20;
const podsPerNode = 2;

let site: Site;
beforeAll(async () => {
  site = await makeSite(useCluster(), "soak");
});
afterAll(() => site[Symbol.asyncDispose]());

test(`${events} instances with faults and two replicas, one of them killed now and then; seed ${seed}`, async () => {
  const dice = createDice(seed);
  const log = await site.cluster.auditLog();
  await using cell = await makeCell(site, "soak", { pods: 1 });
  await cell.terminate();
  cell.aws.faults = () => faultOf(dice);
  const foreign = await sendForeign(cell);
  let a = cell.start({ POD_UID: "a" });
  const b = cell.start({ POD_UID: "b" });
  const instances: string[] = [];
  for (let round = 0; instances.length < events; round += 1) {
    const nodes = await makeNodes(round);
    for (const node of nodes) await terminate(cell, node, dice);
    instances.push(...nodes);
    if (dice.chance(0.5)) {
      a.kill("SIGKILL");
      await a.ended;
      a = cell.start({ POD_UID: "a" });
    }
    await eventually(() => waiting(cell, foreign), 0);
    for (const node of nodes) await site.cluster.request("DELETE", `/api/v1/nodes/${node}`);
  }
  // The foreign message stays, for whoever it belongs to.
  const inQueue = () => Object.values(cell.queue.queued()).reduce((sum, count) => sum + count);
  await eventually(inQueue, 1);
  await Promise.all([stop(a), stop(b)]);

  const accepted = { user: site.user, resource: "pods/eviction", code: 201 };
  const evicted = (await log.entries(accepted)).map(({ name }) => name ?? "");
  const faults = cell.aws.requests.filter(({ answer }) => answer !== "ok").length;
  console.log(
    `${instances.length} instances, ${evicted.length} evictions, ${cell.aws.requests.length} requests to Auto Scaling, ${faults} not ok`,
  );
  expect(evicted.filter((name, index) => evicted.indexOf(name) !== index)).toEqual([]);
  expect(evicted.length).toBe(instances.length * podsPerNode + cell.pods.length);
  for (const action of cell.aws.lifecycle.actions) {
    const state = action === foreign ? "waiting" : "completed";
    expect(action, action.instanceId).toMatchObject({ state });
  }
  expect(cell.aws.problems).toEqual([]);
}, 3_600_000);

function waiting({ aws }: Cell, foreign: Action): number {
  return aws.lifecycle.actions.filter((action) => action !== foreign && action.state === "waiting")
    .length;
}

/** One request in ten is throttled, one in fifty done without an answer. */
function faultOf(dice: Dice): AwsFault | undefined {
  if (dice.chance(0.1)) return "throttle";
  return dice.chance(0.02) ? "cut-after" : undefined;
}

async function sendForeign({ aws, queue }: Cell): Promise<Action> {
  aws.addGroup({ name: "foreign", hooks: [{ name: "drain" }], instances: ["i-foreign"] });
  const [action] = aws.begin("foreign", "i-foreign");
  await queue.send(directNotification(action!));
  return action!;
}

/** Nodes whose pods share one budget, which always lets some of them go. */
async function makeNodes(round: number): Promise<string[]> {
  const { cluster, namespace } = site;
  const labels = { round: `${round}` };
  const spec = { minAvailable: 1, selector: { matchLabels: labels } };
  const metadata = { name: `round-${round}`, namespace: namespace.name };
  await cluster.create({ apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata, spec });
  // What a killed process had under way stays on the budget's books for two minutes.
  for (let spare = 0; spare < podsPerNode * perRound; spare += 1) {
    await namespace.createPod(`spare-${round}-${spare}`, { metadata: { labels }, ready: true });
  }
  return Promise.all(
    Array.from({ length: perRound }, (_, index) => makeNode(`${round}-${index}`, labels)),
  );
}

async function makeNode(name: string, labels: Record<string, string>): Promise<string> {
  const { namespace } = site;
  const providerID = `aws:///eu-west-1a/i-${namespace.name}-${name}`;
  const node = (await namespace.createNode(name, { spec: { providerID } })).metadata.name;
  const spec = { nodeName: node, terminationGracePeriodSeconds: 1 };
  for (let index = 0; index < podsPerNode; index += 1) {
    await namespace.createPod(`p-${name}-${index}`, { metadata: { labels }, spec, ready: true });
  }
  return node;
}

/** A message by one of three ways; one in twenty comes twice, one in twenty never. */
async function terminate({ aws, group, queue }: Cell, node: string, dice: Dice): Promise<void> {
  const [action] = aws.begin(group, `i-${node}`);
  const direct = directNotification(action!);
  const ways = [direct, snsEnvelope(direct), eventBridgeNotification(action!)];
  const body = ways[dice.between(0, 2)]!;
  if (dice.chance(0.05)) return;
  await queue.send(body);
  if (dice.chance(0.05)) await queue.send(body);
}
