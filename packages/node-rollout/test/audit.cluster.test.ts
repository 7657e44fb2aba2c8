import { runCli } from "@internal/test/cli";
import {
  type KubernetesObject,
  type Manifest,
  type TestNamespace,
  useCluster,
} from "@internal/test/cluster";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { type BudgetStatus, budgetStatus } from "../src/audit/budget.ts";
import { readCluster } from "../src/audit/cluster.ts";
import { coverWorkloads } from "../src/audit/coverage.ts";
import { createKubernetes } from "../src/kubernetes/http.ts";

const cluster = useCluster();
const kubernetes = createKubernetes({
  server: cluster.url,
  tls: { ca: cluster.ca },
  headers: async () => ({ authorization: `Bearer ${cluster.token}` }),
});
let namespace: TestNamespace;
let custom: TestNamespace;
beforeAll(async () => {
  namespace = await cluster.namespace("audit");
  custom = await cluster.namespace("scale");
  // The controller manager looks for new kinds twice a minute: by the time that they are needed it knows these.
  await createKind("Gadget");
  await createKind("Rollout");
});
afterAll(async () => {
  for (const plural of ["gadgets", "rollouts"]) {
    await cluster.request("DELETE", `${definitions}/${plural}.${customGroup()}`);
  }
  await namespace[Symbol.asyncDispose]();
  await custom[Symbol.asyncDispose]();
});

interface Budget extends KubernetesObject {
  spec: Parameters<typeof budgetStatus>[0];
  status?: Partial<BudgetStatus>;
}

const percent = fc.integer({ min: 0, max: 100 }).map((value) => `${value}%`);
const amount = fc.oneof(fc.integer({ min: 0, max: 7 }), percent);
const demand = fc.oneof(fc.record({ minAvailable: amount }), fc.record({ maxUnavailable: amount }));
const kinds = ["Deployment", "ReplicaSet", "StatefulSet", "ReplicationController", "Job"] as const;
const controller = fc.record({
  kind: fc.constantFrom(...kinds, "Deployment", "ReplicaSet", "StatefulSet"),
  replicas: fc.integer({ min: 0, max: 4 }),
});
const group = fc.record({
  demand,
  /** A second budget over the same pods. */
  other: fc.option(demand, { freq: 4 }),
  by: fc.constantFrom("labels", "in", "exists"),
  controllers: fc.array(controller, { maxLength: 2 }),
  bare: fc.integer({ min: 0, max: 2 }),
  /** Of three pods, so many are not Ready. */
  sick: fc.integer({ min: 0, max: 2 }),
});
type Group = ReturnType<
  typeof fc.sample<typeof group extends fc.Arbitrary<infer T> ? T : never>
>[number];

test("agrees with the disruption controller on what every budget of a random corpus allows", async () => {
  const groups = fc.sample(group, { numRuns: 300, seed: 20_260_701 });
  await inParallel(groups.flatMap(objectsOf), (object) => cluster.create(object));
  const expected = groups.flatMap(({ controllers, bare }) => [
    bare,
    ...controllers.map(({ replicas }) => replicas),
  ]);
  const total = expected.reduce((sum, count) => sum + count, 0);
  const pods = await vi.waitFor(
    async () => {
      const found = await list<KubernetesObject>(namespace.path("pods"));
      expect(found).toHaveLength(total);
      return found;
    },
    { timeout: 240_000, interval: 500 },
  );
  await inParallel(pods, ({ metadata: { name } }) => {
    const { sick = 0 } = groups[Number(name.match(/^g(\d+)/)?.[1])] ?? {};
    return report(namespace, name, name.charCodeAt(name.length - 1) % 3 >= sick);
  });
  const doubled = groups.flatMap(({ other }, index) =>
    other === null ? [] : [`g${index}`, `g${index}-other`],
  );
  await agreement(namespace, doubled);
  console.log(`${groups.length} groups, ${total} pods`);
}, 600_000);

test("agrees on pods of a custom controller, by its scale", async () => {
  const sizes = { fits: 3, few: 5, none: 0 };
  for (const [name, replicas] of Object.entries(sizes)) {
    const ownerReferences = [await createCustom("Gadget", name, replicas)];
    const labels = { gadget: name };
    await cluster.create(budgetOf(custom, name, { minAvailable: "50%" }, { matchLabels: labels }));
    for (const index of [0, 1, 2]) {
      await custom.createPod(`${name}-${index}`, { metadata: { labels, ownerReferences } });
      await report(custom, `${name}-${index}`, true);
    }
  }
  await agreement(custom, Object.keys(sizes));
  const allowed = (await budgetsOf(custom)).map(({ metadata, status }) => [
    metadata.name,
    status?.disruptionsAllowed,
  ]);
  // Half of five is three, and there are three; half of nothing allows nothing: the controller expects no pods.
  expect(Object.fromEntries(allowed)).toEqual({ fits: 1, few: 0, none: 0 });
}, 300_000);

// As Argo Rollouts has them: a custom resource with a scale, a ReplicaSet below it for each version.
test("agrees on a custom controller in the middle of a canary, whose ReplicaSets the budget counts one by one", async () => {
  await using canary = await cluster.namespace("canary");
  const rollouts = {
    surging: { replicas: 5, versions: [5, 1] },
    dividing: { replicas: 5, versions: [4, 1] },
    doubling: { replicas: 3, versions: [3, 3] },
    done: { replicas: 4, versions: [0, 4] },
  };
  const demands = { most: { maxUnavailable: 1 }, half: { minAvailable: "50%" } };
  for (const [name, { replicas, versions }] of Object.entries(rollouts)) {
    for (const [demand, spec] of Object.entries(demands)) {
      const app = `${name}-${demand}`;
      const ownerReferences = [await createCustom("Rollout", app, replicas, canary)];
      await cluster.create(budgetOf(canary, app, spec, { matchLabels: { app } }));
      for (const [index, count] of versions.entries()) {
        const labels = { app, "rollouts-pod-template-hash": `${index}` };
        const version = { kind: "ReplicaSet", name: `${app}-${index}`, replicas: count } as const;
        const object = controllerOf(canary, { ...version, labels });
        await cluster.create({ ...object, metadata: { ...object.metadata, ownerReferences } });
      }
    }
  }
  const total = 2 * (6 + 5 + 6 + 4);
  const pods = await vi.waitFor(
    async () => {
      const found = await list<KubernetesObject>(canary.path("pods"));
      expect(found).toHaveLength(total);
      return found;
    },
    { timeout: 120_000, interval: 200 },
  );
  await inParallel(pods, ({ metadata: { name } }) => report(canary, name, true));
  const names = Object.keys(rollouts).flatMap((name) => [`${name}-most`, `${name}-half`]);
  await agreement(canary, names);
  const expected = (await budgetsOf(canary)).map(({ metadata, status }) => [
    metadata.name,
    status?.expectedPods,
  ]);
  expect(Object.fromEntries(expected)).toMatchObject({
    ...{ "surging-most": 6, "dividing-most": 5, "doubling-half": 6, "done-half": 4 },
  });
}, 300_000);

test("reads the live cluster, and what --fix prints is taken and makes every workload evictable one by one", async () => {
  await using shop = await cluster.namespace("shop");
  const env = { KUBECONFIG: cluster.kubeconfigFile };
  const audit = async (...args: string[]) => {
    const { code, stdout } = await runCli("node-rollout", ["audit", ...args], { env });
    expect([0, 1]).toContain(code); // other tests' workloads are there, too
    return stdout;
  };
  for (const [kind, name] of [
    ["Deployment", "web"],
    ["StatefulSet", "db"],
    ["ReplicaSet", "old"],
  ] as const) {
    await cluster.create(controllerOf(shop, { kind, name, replicas: 3, labels: { app: name } }));
  }
  const pods = await vi.waitFor(
    async () => {
      const found = await list<KubernetesObject>(shop.path("pods"));
      expect(found).toHaveLength(9);
      return found;
    },
    { timeout: 120_000, interval: 200 },
  );
  for (const { metadata } of pods) await report(shop, metadata.name, true);
  const findingsOf = async () => {
    const { findings } = JSON.parse(await audit("--format", "json"));
    return (findings as { code: string; workload: { namespace: string; name: string } }[])
      .filter(({ workload }) => workload.namespace === shop.name)
      .map(({ code, workload }) => `${code} ${workload.name}`);
  };
  expect((await findingsOf()).sort()).toEqual(["no-budget db", "no-budget old", "no-budget web"]);

  const documents = parseAllDocuments(await audit("--fix"));
  const missing = documents.map((document) => document.toJS() as Manifest);
  for (const budget of missing) {
    if (budget.metadata.namespace === shop.name) await cluster.create(budget);
  }
  const allowed = async () =>
    (await budgetsOf(shop)).map(({ status }) => status?.disruptionsAllowed);
  await expect.poll(allowed, { timeout: 60_000 }).toEqual([1, 1, 1]);
  expect(await findingsOf()).toEqual([]);
}, 300_000);

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

function customGroup(): string {
  return `${custom.name}.example.org`;
}

/** A kind of one's own that has a scale. */
async function createKind(kind: string): Promise<void> {
  const singular = kind.toLowerCase();
  const names = { plural: `${singular}s`, singular, kind };
  const group = customGroup();
  const integer = { type: "integer" };
  await cluster.request("POST", definitions, {
    metadata: { name: `${names.plural}.${group}` },
    spec: {
      ...{ group, names, scope: "Namespaced" },
      versions: [
        {
          ...{ name: "v1", served: true, storage: true },
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: {
                spec: { type: "object", properties: { replicas: integer } },
                status: { type: "object", properties: { replicas: integer } },
              },
            },
          },
          subresources: {
            scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
          },
        },
      ],
    },
  });
}

function objectsOf(given: Group, index: number): Manifest[] {
  const { demand, other, by, controllers, bare } = given;
  const labels = { group: `${index}`, [`in-${index}`]: "" };
  const selector = {
    labels: { matchLabels: { group: `${index}` } },
    in: { matchExpressions: [{ key: "group", operator: "In", values: [`${index}`, "none"] }] },
    exists: { matchExpressions: [{ key: `in-${index}`, operator: "Exists" }] },
  }[by];
  const containers = [{ name: "a", image: "a" }];
  return [
    budgetOf(namespace, `g${index}`, demand, selector),
    ...(other === null ? [] : [budgetOf(namespace, `g${index}-other`, other, selector)]),
    ...controllers.map(({ kind, replicas }, number) =>
      controllerOf(namespace, {
        ...{ kind, replicas, name: `g${index}-${number}` },
        labels: { ...labels, part: `${number}` },
      }),
    ),
    ...Array.from({ length: bare }, (_, number) => ({
      ...{ apiVersion: "v1", kind: "Pod" },
      metadata: { name: `g${index}-bare-${number}`, namespace: namespace.name, labels },
      spec: { containers },
    })),
  ];
}

function budgetOf(
  { name: where }: TestNamespace,
  name: string,
  demand: object,
  selector: object,
): Manifest {
  const metadata = { name, namespace: where };
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata,
    spec: { ...demand, selector },
  };
}

/** Makes an object of our own kinds; gives what its pods or ReplicaSets say of their controller. */
async function createCustom(
  kind: string,
  name: string,
  replicas: number,
  { path }: TestNamespace = custom,
): Promise<object> {
  const apiVersion = `${customGroup()}/v1`;
  const object = { apiVersion, kind, metadata: { name }, spec: { replicas } };
  // A kind that was made a moment ago may not be served yet.
  const { metadata } = await vi.waitFor(
    () => cluster.request("POST", path(`${kind.toLowerCase()}s`, apiVersion), object),
    { timeout: 60_000, interval: 200 },
  );
  return { apiVersion, kind, name, uid: metadata.uid, controller: true };
}

function controllerOf(
  { name: where }: TestNamespace,
  options: {
    kind: (typeof kinds)[number];
    name: string;
    replicas: number;
    labels: Record<string, string>;
  },
): Manifest {
  const { kind, name, replicas, labels } = options;
  const metadata = { name, namespace: where };
  const isJob = kind === "Job";
  const restartPolicy = isJob ? "Never" : "Always";
  const spec = { containers: [{ name: "a", image: "a" }], restartPolicy };
  const template = { metadata: { labels }, spec };
  const selector = kind === "ReplicationController" ? labels : { matchLabels: labels };
  const apiVersion = { ReplicationController: "v1", Job: "batch/v1" }[kind as string] ?? "apps/v1";
  const stateful = { serviceName: "none", podManagementPolicy: "Parallel" };
  return {
    ...{ apiVersion, kind, metadata },
    spec: isJob
      ? { parallelism: replicas, template }
      : { replicas, selector, template, ...(kind === "StatefulSet" && stateful) },
  };
}

/** Every budget of a namespace as the audit's reader and reckoning have it, beside what the controller wrote. */
async function agree({ name, path }: TestNamespace): Promise<void> {
  const input = await readCluster(kubernetes);
  const here = (objects: object[]) =>
    (objects as KubernetesObject[]).filter(({ metadata }) => metadata.namespace === name);
  const covered = coverWorkloads(here(input.workloads), here(input.budgets), here(input.pods));
  const ours = new Map(
    covered.flatMap(({ budgets }) => budgets).map((budget) => [budget.name, budget.current]),
  );
  const budgets = await list<Budget>(path("poddisruptionbudgets", "policy/v1"));
  const rows = budgets.map(({ metadata, spec, status }) => {
    const own = ours.get(metadata.name) ?? budgetStatus(spec, []);
    // Where the controller cannot count, it only takes back what it had allowed.
    const fields = own.problem === "no-scale" ? (["disruptionsAllowed"] as const) : allFields;
    const pick = (from: Partial<BudgetStatus>) => fields.map((field) => from[field] ?? 0);
    return { ours: [metadata.name, ...pick(own)], theirs: [metadata.name, ...pick(status ?? {})] };
  });
  expect(rows.map((row) => row.ours)).toEqual(rows.map((row) => row.theirs));
}

/**
 * Resolves when all agree. These budgets are touched meanwhile: of two over a pod the controller looks at one when
 * the pod changes, and after a kind that it did not know yet it waits longer and longer; at a budget's own change
 * it looks at once.
 */
async function agreement(where: TestNamespace, touched: readonly string[]): Promise<void> {
  let round = 0;
  await vi.waitFor(
    async () => {
      const annotations = { round: `${round++}` };
      await inParallel(touched, (name) =>
        cluster.request("PATCH", where.path(`poddisruptionbudgets/${name}`, "policy/v1"), {
          metadata: { annotations },
        }),
      );
      await agree(where);
    },
    { timeout: 240_000, interval: 2000 },
  );
}

const allFields = [
  "expectedPods",
  "desiredHealthy",
  "currentHealthy",
  "disruptionsAllowed",
] as const;

async function list<T>(path: string): Promise<T[]> {
  return (await cluster.request<{ items: T[] } & KubernetesObject>("GET", path)).items;
}

function budgetsOf({ path }: TestNamespace): Promise<Budget[]> {
  return list<Budget>(path("poddisruptionbudgets", "policy/v1"));
}

/** The pod runs, and is Ready or not. */
function report({ path }: TestNamespace, pod: string, ready: boolean): Promise<unknown> {
  const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
  return cluster.request("PATCH", path(`pods/${pod}/status`), {
    status: { phase: "Running", conditions },
  });
}

async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}
