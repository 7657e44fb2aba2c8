import { expect, test } from "vitest";
import type { Budget } from "../budgets.ts";
import { type Api, eventually, fresh, podBody, setReady } from "./api.ts";

const pods = "/api/v1/{ns}/pods";
const budgets = "/apis/policy/v1/{ns}/poddisruptionbudgets";

/** Evictions and the arithmetic of disruption budgets. */
export function evictionContract(api: () => Api): void {
  const evict = (name: string, deleteOptions: object = {}, query = "") =>
    api().post(`${pods}/${name}/eviction${query}`, {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name, namespace: api().namespace },
      deleteOptions,
    });
  const makePod = async (app: string, ready = true) => {
    const name = fresh(app);
    await api().post(pods, podBody(name, { labels: { app } }));
    if (ready) await setReady(api(), name);
    return name;
  };
  const makeBudget = async (app: string, spec: object) => {
    const name = fresh(app);
    const selector = { matchLabels: { app } };
    await api().post(budgets, { metadata: { name }, spec: { selector, ...spec } });
    return name;
  };
  const settled = (name: string, status: Partial<Budget["status"]>) =>
    eventually(async () => {
      const { body } = await api().get(`${budgets}/${name}`);
      expect(body.status).toMatchObject(status);
    });
  const force = (name: string) => api().delete(`${pods}/${name}?gracePeriodSeconds=0`);

  test("a budget's status follows the pods that are Ready", async () => {
    const app = fresh("follow");
    const budget = await makeBudget(app, { minAvailable: 1 });
    const [first, second] = [await makePod(app), await makePod(app, false)];
    const counts = { desiredHealthy: 1, expectedPods: 2, observedGeneration: 1 };
    await settled(budget, { ...counts, currentHealthy: 1, disruptionsAllowed: 0 });
    await setReady(api(), second);
    await settled(budget, { ...counts, currentHealthy: 2, disruptionsAllowed: 1 });
    await setReady(api(), first, false);
    await settled(budget, { ...counts, currentHealthy: 1, disruptionsAllowed: 0 });
    for (const name of [first, second]) await force(name);
    await settled(budget, { expectedPods: 0, currentHealthy: 0, disruptionsAllowed: 0 });
  });

  test("the first eviction is granted, the second refused until a replacement is Ready", async () => {
    const app = fresh("evict");
    const budget = await makeBudget(app, { minAvailable: 1 });
    const [first, second] = [await makePod(app), await makePod(app)];
    await settled(budget, { disruptionsAllowed: 1 });
    expect(await evict(first)).toMatchObject({ code: 201, body: { status: "Success" } });
    const pod = await api().get(`${pods}/${first}`);
    expect(pod.body.metadata.deletionGracePeriodSeconds).toBe(30);
    const refused = await evict(second);
    expect(refused.code).toBe(429);
    expect(refused.headers["retry-after"]).toBeUndefined();
    expect(refused.body).toMatchObject({
      reason: "TooManyRequests",
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [
          {
            reason: "DisruptionBudget",
            message: expect.stringMatching(
              new RegExp(
                `^The disruption budget ${budget} needs 1 healthy pods and has \\d currently$`,
              ),
            ),
          },
        ],
      },
    });
    const third = await makePod(app);
    await settled(budget, { disruptionsAllowed: 1 });
    expect((await evict(second, { gracePeriodSeconds: 0 })).code).toBe(201);
    expect((await api().get(`${pods}/${second}`)).code).toBe(404);
    for (const name of [first, third]) await force(name);
  });

  test("a dry run tells whether the budget would allow it, and charges nothing", async () => {
    const app = fresh("probe");
    const budget = await makeBudget(app, { minAvailable: 1 });
    const [first, second] = [await makePod(app), await makePod(app)];
    await settled(budget, { disruptionsAllowed: 1 });
    expect((await evict(first, {}, "?dryRun=All")).code).toBe(201);
    expect((await evict(second, {}, "?dryRun=All")).code).toBe(201);
    const pod = await api().get(`${pods}/${first}`);
    expect(pod.body.metadata.deletionTimestamp).toBeUndefined();
    await force(first);
    await settled(budget, { disruptionsAllowed: 0 });
    expect((await evict(second, {}, "?dryRun=All")).code).toBe(429);
    await force(second);
  });

  test("two budgets over one pod are a server error that says so", async () => {
    const app = fresh("twice");
    const name = await makePod(app);
    const made = [
      await makeBudget(app, { minAvailable: 0 }),
      await makeBudget(app, { minAvailable: 0 }),
    ];
    for (const budget of made) await settled(budget, { disruptionsAllowed: 1 });
    expect(await evict(name)).toMatchObject({
      code: 500,
      body: {
        status: "Failure",
        message:
          "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
      },
    });
    await force(name);
  });

  test("a wrong uid is hidden by a budget that blocks, else it is a conflict", async () => {
    const app = fresh("uid");
    const budget = await makeBudget(app, { minAvailable: 1 });
    const first = await makePod(app);
    await settled(budget, { currentHealthy: 1, disruptionsAllowed: 0 });
    const wrong = { preconditions: { uid: "11111111-2222-3333-4444-555555555555" } };
    expect((await evict(first, wrong)).code).toBe(429);
    const second = await makePod(app);
    await settled(budget, { disruptionsAllowed: 1 });
    expect(await evict(first, wrong)).toMatchObject({ code: 409, body: { reason: "Conflict" } });
    const charged = await api().get(`${budgets}/${budget}`);
    expect(charged.body.status).toMatchObject({
      disruptionsAllowed: 0,
      disruptedPods: { [first]: expect.any(String) },
    });
    const unbudgeted = await makePod(fresh("free"));
    expect((await evict(unbudgeted, wrong)).code).toBe(409);
    for (const name of [first, second, unbudgeted]) await force(name);
  });

  test("pods that serve nobody need no budget", async () => {
    const app = fresh("idle");
    const budget = await makeBudget(app, { minAvailable: 5 });
    const ready = await makePod(app);
    const pending = await makePod(app, false);
    await settled(budget, { expectedPods: 2, disruptionsAllowed: 0 });
    expect((await evict(ready)).code).toBe(429);
    expect((await evict(pending)).code).toBe(201);
    await api().delete(`${pods}/${ready}`);
    const again = await evict(ready, { gracePeriodSeconds: 10 });
    expect(again.code).toBe(201);
    const pod = await api().get(`${pods}/${ready}`);
    expect(pod.body.metadata.deletionGracePeriodSeconds).toBe(10);
    for (const name of [ready, pending]) await force(name);
  });

  test("an unready pod may go when the budget says AlwaysAllow, or the others suffice", async () => {
    const strict = fresh("strict");
    const blocked = await makePod(strict);
    await setReady(api(), blocked, false);
    const strictBudget = await makeBudget(strict, { minAvailable: 1 });
    await settled(strictBudget, { expectedPods: 1, currentHealthy: 0 });
    expect((await evict(blocked)).code).toBe(429);
    const lenient = fresh("lenient");
    const broken = await makePod(lenient);
    await setReady(api(), broken, false);
    const unhealthyPodEvictionPolicy = "AlwaysAllow";
    const budget = await makeBudget(lenient, { minAvailable: 1, unhealthyPodEvictionPolicy });
    await settled(budget, { expectedPods: 1 });
    expect((await evict(broken)).code).toBe(201);
    await makePod(strict);
    await settled(strictBudget, { currentHealthy: 1, disruptionsAllowed: 0 });
    expect((await evict(blocked)).code).toBe(201);
  });

  test("pods without a controller: only a plain minimum means anything", async () => {
    const app = fresh("bare");
    const name = await makePod(app);
    const budget = await makeBudget(app, { maxUnavailable: 1 });
    await settled(budget, { expectedPods: 0, disruptionsAllowed: 0 });
    expect((await evict(name)).code).toBe(429);
    await force(name);
  });

  test("percentages are of the controller's replicas, rounded up", async () => {
    const app = fresh("percent");
    const labels = { app };
    const set = await api().post("/apis/apps/v1/{ns}/replicasets", {
      metadata: { name: app, labels },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app } },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: "main", image: "example.org/main" }] },
        },
      },
    });
    const replicas = "/apis/apps/v1/{ns}/replicasets";
    const budget = await makeBudget(app, { maxUnavailable: "30%" });
    await settled(budget, { expectedPods: 0 });
    await api().patch("merge", `${replicas}/${set.body.metadata.name}`, { spec: { replicas: 5 } });
    await settled(budget, { expectedPods: 5, desiredHealthy: 3 });
    await api().delete(`${replicas}/${app}`);
  });
}
