import {
  type Cluster,
  type Manifest,
  type TestNamespace,
  useCluster,
} from "@internal/test/cluster";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { renderDeployment, renderRbac } from "../src/index.ts";
import { overlaps, type Rule, roleFor, startElection } from "./pods.ts";

// Many processes on few processors, some of them for a minute and more.
vi.setConfig({ testTimeout: 600_000 });

let cluster: Cluster;
let namespace: TestNamespace;

beforeAll(async () => {
  cluster = useCluster();
  namespace = await cluster.namespace("leader");
});
afterAll(() => namespace[Symbol.asyncDispose]());

describe.concurrent("with what render gives", () => {
  test.each([
    ["recommended", false],
    ["minimal", true],
  ])(
    "the %s role: one leads, and the other follows when its pod is deleted",
    async (lock, minimal) => {
      for (const object of renderRbac({ name: lock, namespace: namespace.name, minimal })) {
        await cluster.create(object as Manifest);
      }
      await using election = await startElection(cluster, namespace, { lock, account: lock });
      const [a, b] = [await election.pod(`${lock}-a`), await election.pod(`${lock}-b`)];
      await a.lead().printed(new RegExp(`leads as ${lock}-a`));
      const second = b.lead();
      await second.printed(new RegExp(`waiting for ${lock}, held by pod ${lock}-a`));

      // The container is restarted: the pod leads again, the other goes on waiting.
      await a.stop();
      await a.lead().printed(new RegExp(`leads as ${lock}-a`));
      expect(second.output().stdout).toBe("");

      await a.remove();
      await second.printed(new RegExp(`leads as ${lock}-b`));
      expect(overlaps(election.timeline())).toEqual([]);
    },
  );

  test("a Deployment: it is accepted", async () => {
    const options = { name: "rendered", image: "example.com/app:1", namespace: namespace.name };
    const { metadata } = await cluster.create(
      renderDeployment({ ...options, healthPort: 8080 }) as Manifest,
    );
    const path = `/apis/apps/v1/namespaces/${namespace.name}/deployments/${metadata.name}`;
    const { spec } = await cluster.request<{ spec: object }>("GET", path);
    const probe = { httpGet: { path: "/healthz", port: 8080 } };
    const field = (name: string, fieldPath: string) => ({
      name,
      valueFrom: { fieldRef: { fieldPath } },
    });
    const container = {
      env: [
        { name: "KUBE_LEADER_NAME", value: "rendered" },
        field("POD_NAME", "metadata.name"),
        field("POD_NAMESPACE", "metadata.namespace"),
        field("POD_UID", "metadata.uid"),
      ],
      readinessProbe: probe,
      livenessProbe: { ...probe, initialDelaySeconds: 10 },
    };
    expect(spec).toMatchObject({
      replicas: 2,
      strategy: { type: "Recreate" },
      template: { spec: { serviceAccountName: "rendered", containers: [container] } },
    });
  });
});

/** Each right of the minimal role, left out. */
const without = roleFor("less", true).flatMap(({ verbs, ...rule }) =>
  verbs.map((verb) => ({ verb, named: "resourceNames" in rule })),
);

describe.concurrent("less than the minimal role is named: verb, resource, namespace, account", () => {
  test.each(without.filter(({ verb }) => verb !== "get"))("without $verb", async ({ verb }) => {
    const lock = `less-${verb}`;
    await namespace.serviceAccount(lock, { rules: rulesWithout(lock, verb) });
    await using election = await startElection(cluster, namespace, { lock, account: lock });
    const cli = (await election.pod(`${lock}-a`)).lead();
    const user = `system:serviceaccount:${namespace.name}:${lock}`;
    const where = `configmaps in namespace ${namespace.name} as ${user}`;
    if (verb === "watch") {
      // Who leads at once need not watch; who waits must.
      await cli.printed(/leads as/);
      const waiter = (await election.pod(`${lock}-b`)).lead();
      await waiter.printed(new RegExp(`not allowed to watch ${where}`));
    } else await cli.printed(new RegExp(`not allowed to ${verb} ${where}`));
  });

  test("of the recommended role, delete: when a finished pod's lock is to be removed", async () => {
    const lock = "less-remove";
    await using world = await waitWithout(lock, "configmaps", "delete");
    await world.finish();
    await world.waiter.printed(new RegExp(`not allowed to delete configmaps/${lock} in namespace`));
  });

  test("of the recommended role, watch of pods: while it waits", async () => {
    await using world = await waitWithout("less-look", "pods", "watch");
    await world.waiter.printed(/not allowed to watch pods in namespace/);
  });

  test("without list of pods it is as with the minimal role: a freed lock is taken", async () => {
    await using world = await waitWithout("less-pods", "pods", "list");
    await world.finish();
    await cluster.request("DELETE", `${namespace.path("configmaps")}/less-pods`);
    await world.waiter.printed(/leads as less-pods-b/);
  });

  test("get is what status needs", async () => {
    const lock = "less-get";
    await namespace.serviceAccount(lock, { rules: rulesWithout(lock, "get") });
    await using election = await startElection(cluster, namespace, { lock, account: lock });
    const a = await election.pod(`${lock}-a`);
    await a.lead().printed(/leads as/);
    expect(await a.status()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("cannot get"),
    });
  });
});

/** A pod that holds the lock, and another that waits with the recommended role less one right. */
async function waitWithout(lock: string, resource: string, verb: string) {
  const rules = roleFor(lock).map((rule) =>
    rule.resources.includes(resource)
      ? { ...rule, verbs: rule.verbs.filter((allowed) => allowed !== verb) }
      : rule,
  );
  await namespace.serviceAccount(lock, { rules });
  const election = await startElection(cluster, namespace, { lock, account: lock });
  const [a, b] = [await election.pod(`${lock}-a`), await election.pod(`${lock}-b`)];
  await a.lead().printed(/leads as/);
  const waiter = b.lead();
  await waiter.printed(new RegExp(`waiting for ${lock}`));
  const finish = async () => {
    await a.stop();
    await a.setStatus({ phase: "Succeeded" });
  };
  return { waiter, finish, [Symbol.asyncDispose]: election[Symbol.asyncDispose] };
}

function rulesWithout(lock: string, verb: string): Rule[] {
  return roleFor(lock, true)
    .map((rule) => ({ ...rule, verbs: rule.verbs.filter((allowed) => allowed !== verb) }))
    .filter(({ verbs }) => verbs.length > 0);
}

describe("crowds", () => {
  test("thirty candidates at once: each leads once, never two at a time", async () => {
    const lock = "crowd";
    await using election = await startElection(cluster, namespace, { lock });
    const names = Array.from({ length: 30 }, (_, index) => `crowd-${index}`);
    const pods = await Promise.all(names.map((name) => election.pod(name)));
    await Promise.all(
      pods.map(async (pod) => {
        const cli = pod.lead();
        await cli.printed(/leads as/);
        await pod.remove();
      }),
    );
    const timeline = election.timeline();
    expect(overlaps(timeline)).toEqual([]);
    expect(timeline.filter((line) => line.startsWith("begin")).toSorted()).toEqual(
      names.map((name) => `begin ${name}`).toSorted(),
    );
  });

  test("fifty wait, the leader's pod goes: one of them leads, the others go on waiting", async () => {
    const lock = "fifty";
    await using election = await startElection(cluster, namespace, { lock });
    const leader = await election.pod("fifty-leader");
    await leader.lead().printed(/leads as/);
    const names = Array.from({ length: 50 }, (_, index) => `fifty-${index}`);
    const pods = await Promise.all(names.map((name) => election.pod(name)));
    const waiters = pods.map((pod) => pod.lead());
    await Promise.all(waiters.map((waiter) => waiter.printed(/held by pod fifty-leader/)));
    await leader.remove();
    // One leads; the others say that they wait for it.
    await Promise.all(
      waiters.map((waiter) => waiter.printed(/leads as|is now held by pod fifty-\d/)),
    );
    expect(election.timeline()).toHaveLength(3);
    expect(overlaps(election.timeline())).toEqual([]);
  });
});
