import { expect, test } from "vitest";
import { createBudgetLedger } from "../src/drain/budget-ledger.ts";
import { createDrainMachine, type DrainMachineOptions } from "../src/drain/machine.ts";
import { toBudget, toPod } from "../src/kubernetes/objects.ts";

const start = Date.parse("2026-07-01T12:00:00Z");
const labels = { app: "web" };
const at = (ms: number) => new Date(start + ms).toISOString();

function pod(name: string, more: { metadata?: object; spec?: object } = {}) {
  return toPod({
    metadata: {
      ...{ namespace: "shop", name, uid: name, labels },
      ownerReferences: [{ kind: "ReplicaSet", name: "web", controller: true }],
      ...more.metadata,
    },
    spec: { terminationGracePeriodSeconds: 10, ...more.spec },
    status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
  });
}

let version = 0;
function budget(disruptionsAllowed: number, disrupted: string[] = [], name = "web") {
  version += 1;
  return toBudget({
    metadata: { namespace: "shop", name, resourceVersion: `${version}` },
    spec: { selector: { matchLabels: labels } },
    status: {
      ...{ disruptionsAllowed, currentHealthy: 3, desiredHealthy: 2 },
      disruptedPods: Object.fromEntries(disrupted.map((pod) => [pod, at(0)])),
    },
  });
}

function setUp(names: string[], options: Partial<DrainMachineOptions> = {}) {
  const ledger = createBudgetLedger();
  const machine = createDrainMachine({ policy: {}, ledger, ...options });
  machine.listed(names.map((name) => pod(name)));
  const evicted = (ms: number) => machine.decide(start + ms).evict.map(({ pod }) => pod.name);
  return { ledger, machine, evicted };
}

const accepted = { kind: "accepted" } as const;

test("what a budget's figures do not contain yet is not asked for twice", () => {
  const { ledger, machine, evicted } = setUp(["a", "b", "c"]);
  ledger.set(budget(1));
  expect(evicted(0)).toEqual(["a"]);
  machine.answered("a", accepted, start + 10);
  // The figures are those from before the eviction: the watch is behind the answer.
  expect(evicted(20)).toEqual([]);
  ledger.set(budget(0, ["a"]));
  expect(evicted(30)).toEqual([]);
  ledger.set(budget(1));
  expect(evicted(40)).toEqual(["b"]);
});

test("figures that contain an eviction free the next one, before its answer and not once more after", () => {
  const { ledger, machine, evicted } = setUp(["a", "b", "c"]);
  ledger.set(budget(2));
  expect(evicted(0)).toEqual(["a"]);
  ledger.set(budget(1, ["a"]));
  expect(evicted(5)).toEqual(["b"]);
  machine.answered("a", accepted, start + 10);
  expect(evicted(10)).toEqual([]);
});

test("a small budget is asked for one eviction at a time, a large one for several", () => {
  const names = Array.from({ length: 40 }, (_, index) => `p${index}`);
  const { ledger, evicted } = setUp(names);
  ledger.set(budget(3));
  expect(evicted(0)).toHaveLength(1);
  const large = setUp(names);
  large.ledger.set(budget(40));
  expect(large.evicted(0).length).toBeGreaterThan(1);
  expect(large.evicted(0).length).toBeLessThan(6);
});

test("an eviction that met another write at the budget does not hold up the next; one that waits for its turn does", () => {
  const { ledger, machine, evicted } = setUp(["a", "b", "c", "d"]);
  ledger.set(budget(3));
  expect(evicted(0)).toEqual(["a"]);
  expect(evicted(1000)).toEqual([]);
  machine.sent("a", start + 1000);
  expect(machine.decide(start + 1100).askAt).toBe(start + 1300);
  expect(evicted(1299)).toEqual([]);
  // The server sleeps for half a second before it tries again.
  expect(evicted(1300)).toEqual(["b"]);
  machine.sent("b", start + 1300);
  expect(evicted(1600)).toEqual(["c"]);
  // What is not counted is on the books here, however long it sleeps.
  machine.sent("c", start + 1600);
  expect(evicted(5000)).toEqual([]);
});

test("a refusal that a change has overtaken is repeated soon: no wake-up is lost", () => {
  const { ledger, machine, evicted } = setUp(["a"]);
  ledger.set(budget(1));
  expect(evicted(0)).toEqual(["a"]);
  ledger.set(budget(1)); // the news of the room overtakes the refusal
  machine.answered("a", { kind: "later", message: "would violate" }, start + 10);
  const { askAt, evict } = machine.decide(start + 20);
  expect(evict).toEqual([]);
  expect(askAt).toBeLessThanOrEqual(start + 1100);
  expect(evicted(1100)).toEqual(["a"]);
});

test("a Retry-After is kept; a full budget is probed every ten seconds although it is silent", () => {
  const { ledger, machine, evicted } = setUp(["a", "b"]);
  ledger.set(budget(1));
  evicted(0);
  const busy = { kind: "later", retryAfterMs: 5000, message: "still being processed" } as const;
  machine.answered("a", busy, start);
  expect(evicted(4900)).toEqual([]);
  expect(evicted(5000)).toEqual(["a"]);

  const deaf = setUp(["a", "b"]);
  deaf.ledger.set(budget(0));
  expect(deaf.evicted(0)).toEqual([]);
  expect(deaf.evicted(9900)).toEqual([]);
  expect(deaf.evicted(10_000)).toEqual(["a"]);
});

test("two budgets are told by name and asked never, until one is gone", () => {
  const { ledger, machine, evicted } = setUp(["a"]);
  ledger.set(budget(1));
  ledger.set(budget(1, [], "all"));
  const { evict, waits } = machine.decide(start);
  expect(evict).toEqual([]);
  expect(waits).toMatchObject([
    { code: "blocked", object: "Pod shop/a", message: expect.stringContaining("(all, web)") },
  ]);
  ledger.delete(budget(1, [], "all"));
  expect(evicted(10)).toEqual(["a"]);
});

test("the wait for a budget keeps its beginning and says the figures", () => {
  const { ledger, machine } = setUp(["a"]);
  ledger.set(budget(0));
  machine.decide(start);
  expect(machine.decide(start + 5000).waits).toEqual([
    {
      code: "budget",
      object: "PodDisruptionBudget shop/web",
      message: "allows 0, 3 of 2 wanted are healthy",
      since: new Date(start),
    },
  ]);
});

test("a full budget that is asked in vain is waited for from the beginning", () => {
  const { ledger, machine } = setUp(["a"]);
  ledger.set(budget(0));
  const wait = { code: "budget", since: new Date(start) };
  expect(machine.decide(start).waits).toMatchObject([wait]);
  const asking = machine.decide(start + 10_000);
  expect(asking.evict).toHaveLength(1);
  expect(asking.waits).toMatchObject([wait]);
  expect(machine.decide(start + 10_010).waits).toMatchObject([wait]);
  machine.answered("a", { kind: "later", message: "would violate" }, start + 10_020);
  expect(machine.decide(start + 10_030).waits).toMatchObject([wait]);
  ledger.set(budget(1));
  expect(machine.decide(start + 20_000).evict).toHaveLength(1);
  machine.answered("a", accepted, start + 20_010);
  expect(machine.decide(start + 20_020).waits).toMatchObject([{ code: "terminating" }]);
});

test("a lost answer is looked into before anything is sent again", () => {
  const { machine, evicted } = setUp(["a"]);
  expect(evicted(0)).toEqual(["a"]);
  machine.answered("a", { kind: "unclear", message: "reset" }, start);
  const { evict, look } = machine.decide(start + 5000);
  expect(evict).toEqual([]);
  expect(look.map(({ name }) => name)).toEqual(["a"]);
  machine.looked("a");
  expect(evicted(6000)).toEqual(["a"]);
});

test("a successor of the same name is another pod", () => {
  const { machine, evicted } = setUp(["db-0"]);
  expect(evicted(0)).toEqual(["db-0"]);
  machine.answered("db-0", accepted, start);
  machine.gone("db-0");
  expect(machine.decide(start + 10).empty).toBe(true);
  machine.seen(pod("db-0", { metadata: { uid: "second" } }));
  expect(machine.decide(start + 20).evict.map(({ pod }) => pod.uid)).toEqual(["second"]);
});

test("critical pods wait until the last application pod is gone", () => {
  const { machine } = setUp(["a"]);
  machine.seen(pod("dns", { spec: { priorityClassName: "system-cluster-critical" } }));
  const first = machine.decide(start);
  expect(first.evict.map(({ pod }) => pod.name)).toEqual(["a"]);
  expect(first.waits).toMatchObject([{ code: "turn", object: "Pod shop/dns" }]);
  machine.answered("a", accepted, start);
  expect(machine.decide(start + 10).evict).toEqual([]);
  machine.gone("a");
  expect(machine.decide(start + 20).evict.map(({ pod }) => pod.name)).toEqual(["dns"]);
});

test("force: at the deadline less the grace, never with none, and again when it failed", () => {
  const { ledger, machine } = setUp(["a"], { forceBy: start + 60_000 });
  ledger.set(budget(0));
  expect(machine.decide(start + 49_000).force).toEqual([]);
  expect(machine.decide(start + 50_000).force).toMatchObject([{ graceSeconds: 10 }]);
  machine.answered("a", { kind: "unclear", message: "reset" }, start + 50_000);
  expect(machine.decide(start + 51_000).force).toMatchObject([{ graceSeconds: 9 }]);
  machine.answered("a", { kind: "forbidden", message: "no right" }, start + 51_000);
  const refused = machine.decide(start + 52_000);
  expect(refused.force).toEqual([]);
  expect(refused.waits).toMatchObject([{ code: "refused", message: "no right" }]);
  expect(machine.decide(start + 90_000).force).toMatchObject([{ graceSeconds: 1 }]);
  machine.answered("a", accepted, start + 90_000);
  expect(machine.decide(start + 91_000).force).toEqual([]);
});

test("a terminating pod is waited for, unless its object is stuck", () => {
  const { machine } = setUp([]);
  machine.seen(pod("a", { metadata: { deletionTimestamp: at(10_000) } }));
  expect(machine.decide(start)).toMatchObject({ empty: false, evict: [] });
  expect(machine.decide(start + 69_000).empty).toBe(false);
  expect(machine.decide(start + 71_000).empty).toBe(true);
});
