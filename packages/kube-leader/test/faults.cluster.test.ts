/** The rows of the failure table, each on a lock of its own; after each the timeline shows one leader at a time. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, type TestNamespace, useCluster } from "@internal/test/cluster";
import { type FaultProxy, startFaultProxy } from "@internal/test/fault-proxy";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { overlaps, startElection, type TestElection, type TestPod } from "./pods.ts";

/** How long the API server is away; by hand also for a minute. */
const awayMs = 1000 * Number(process.env["KUBE_LEADER_AWAY_SECONDS"] ?? 3);
/** Long enough for a waiter that would lead wrongly to do so: its jitter is 20 to 320 ms. */
const moment = 1_000;

// Many processes on few processors, some of them for a minute and more.
vi.setConfig({ testTimeout: 600_000 });

let cluster: Cluster;
let namespace: TestNamespace;

beforeAll(async () => {
  cluster = useCluster();
  namespace = await cluster.namespace("leader-faults");
});
afterAll(() => namespace[Symbol.asyncDispose]());

interface Scene {
  election: TestElection;
  /** Between a candidate and the API server, where the scenario wants it there. */
  proxy: FaultProxy;
}

/** A scenario, and the one assertion in all of them. */
function scenario(
  lock: string,
  what: string,
  play: (scene: Scene) => Promise<void>,
  { minimal = false, twoLead = false } = {},
): void {
  test(`${what} (${lock})`, async () => {
    await using proxy = await startFaultProxy(cluster.url, { upstreamCa: cluster.ca });
    await using election = await startElection(cluster, namespace, { lock, minimal });
    await play({ election, proxy });
    expect(overlaps(election.timeline()).length > 0, election.timeline().join()).toBe(twoLead);
  });
}

/** A leader, and another candidate that waits for it, through the proxy. */
async function pair({ election, proxy }: Scene) {
  const { lock } = election;
  const [a, b] = [await election.pod(`${lock}-a`), await election.pod(`${lock}-b`)];
  const first = a.lead();
  await first.printed(new RegExp(`leads as ${lock}-a`));
  const second = b.lead({ through: proxy });
  await second.printed(new RegExp(`waiting for ${lock}, held by pod ${lock}-a`));
  return { a, b, first, second };
}

/** Its end has come when its object is gone from the API server. */
async function goneFrom(path: string): Promise<void> {
  await expect
    .poll(
      () =>
        cluster.request("GET", path).then(
          () => "there",
          () => "gone",
        ),
      { timeout: 60_000 },
    )
    .toBe("gone");
}

const podPath = ({ name }: TestPod) => `${namespace.path("pods")}/${name}`;
/** A finalizer stands for the grace in which a container still runs. */
const inGrace = (finalizers: string[] | null) => ({ metadata: { finalizers } });
const requests = (proxy: FaultProxy, wanted: string) =>
  proxy.log.filter(({ method }) => method === wanted);

// First, because two of these last a minute while the others go on.
describe.concurrent("tokens and rights", () => {
  scenario("rotation", "a token that is no longer taken is read anew", async (scene) => {
    const { a, b, second } = await pair(scene);
    const unauthorized = { kind: "answer", status: 401, body: {} } as const;
    let accepted = "";
    scene.proxy.on({}, ({ headers }) =>
      headers["authorization"] === `Bearer ${accepted}` ? undefined : unauthorized,
    );
    scene.proxy.cut();
    await second.printed(/the token is not accepted/);
    const pod = await cluster.request("GET", podPath(b));
    accepted = await namespace.token("rotation", pod as never);
    b.renewToken(accepted);
    await a.remove();
    await second.printed(/leads as rotation-b/);
  });

  scenario(
    "refused",
    "refused for a minute, it gives up with 2 and says what it lacks",
    async (scene) => {
      const { election, proxy } = scene;
      const answer = { kind: "answer", status: 403, body: {} } as const;
      proxy.on({ path: "configmaps" }, answer);
      const a = await election.pod("refused-a");
      const began = performance.now();
      const { code, stderr } = await a.lead({ through: proxy }).ended;
      expect(code).toBe(2);
      expect(performance.now() - began).toBeGreaterThan(59_000);
      expect(stderr.match(/not allowed to list configmaps in namespace/g)).toHaveLength(2);
      expect(stderr).toMatch(/refused for 60 s\n$/);
    },
  );

  scenario(
    "unknown",
    "a token that is not taken for a minute, as a removed pod's, ends it with 2",
    async (scene) => {
      const { second, b } = await pair(scene);
      await b.remove({ force: true });
      // The API server knows the token for some 10 s more; then new requests are refused.
      scene.proxy.on({ path: "watch=true" }, { kind: "cut-before" });
      scene.proxy.cut();
      const off = setTimeout(() => scene.proxy.clear(), 15_000);
      expect(await second.ended).toMatchObject({ code: 2, stdout: "" });
      clearTimeout(off);
      expect(second.output().stderr).toMatch(/the token is not accepted.*refused for 60 s/);
    },
  );
});

describe.concurrent("answers that get lost", () => {
  scenario(
    "lost-create",
    "its own create is read back: it does not wait for itself",
    async (scene) => {
      const { election, proxy } = scene;
      proxy.on({ method: "POST", path: "configmaps", nth: 1 }, { kind: "cut-after" });
      const a = await election.pod("lost-create-a");
      const cli = a.lead({ through: proxy });
      await cli.printed(/leads as lost-create-a/);
      expect(requests(proxy, "POST")).toHaveLength(1);
      expect(cli.output().stderr).not.toMatch(/waiting for/);
    },
  );

  scenario("lost-delete", "the delete of a finished pod's lock is read back", async (scene) => {
    const { a, second } = await pair(scene);
    scene.proxy.on({ method: "DELETE", nth: 1 }, { kind: "cut-after" });
    await a.stop();
    await a.setStatus({ phase: "Succeeded" });
    await second.printed(/leads as lost-delete-b/);
    expect(requests(scene.proxy, "DELETE")).toHaveLength(1);
  });

  scenario(
    "never-done",
    "a create and a delete that never arrived are done again",
    async (scene) => {
      const { a, second } = await pair(scene);
      scene.proxy.on({ method: "DELETE", nth: 1 }, { kind: "cut-before" });
      scene.proxy.on({ method: "POST", path: "configmaps", nth: 1 }, { kind: "cut-before" });
      await a.stop();
      await a.setStatus({ phase: "Succeeded" });
      await second.printed(/leads as never-done-b/);
    },
  );

  scenario(
    "replaced",
    "a delete that comes late leaves the lock of whoever leads by now",
    async (scene) => {
      const { a, second } = await pair(scene);
      const { election, proxy } = scene;
      const third = await election.pod("replaced-c");
      const [late, replaced] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      proxy.beforeForward = async ({ method }) => {
        if (method !== "DELETE") return undefined;
        late.resolve();
        await replaced.promise;
        return undefined;
      };
      await a.stop();
      await a.setStatus({ phase: "Succeeded" });
      await late.promise;
      await cluster.request("DELETE", election.path);
      await third.lead().printed(/leads as replaced-c/);
      replaced.resolve();
      await second.printed(/is now held by pod replaced-c/);
      expect(requests(proxy, "DELETE")[0]?.status).toBe(409);
      expect((await election.read())?.metadata.ownerReferences?.[0]?.name).toBe("replaced-c");
      await third.remove();
      await second.printed(/leads as replaced-b/);
    },
  );

  scenario(
    "conflict",
    "a create that always meets a conflict is not tried in a hot loop",
    async (scene) => {
      const { election, proxy } = scene;
      const body = { kind: "Status", reason: "AlreadyExists" };
      const off = proxy.on({ method: "POST" }, { kind: "answer", status: 409, body });
      const a = await election.pod("conflict-a");
      const cli = a.lead({ through: proxy });
      await proxy.next({ method: "POST" });
      await sleep(2_000);
      // 0.1 to 0.2 s, then twice that, and so on.
      expect(requests(proxy, "POST").length).toBeLessThan(8);
      off();
      await cli.printed(/leads as conflict-a/);
    },
  );
});

describe.concurrent("an API server in trouble", () => {
  scenario("away", "away while the leader's pod goes: said once, then it leads", async (scene) => {
    const { a, second } = await pair(scene);
    const back = scene.proxy.on({}, { kind: "cut-before" });
    scene.proxy.cut();
    await a.remove();
    await second.printed(/cannot reach the API server/);
    await sleep(awayMs);
    back();
    await second.printed(/leads as away-b/);
    expect(second.output().stderr.match(/cannot reach/g)).toHaveLength(1);
  });

  scenario("overloaded", "429 and 503: it waits as long as it is asked to", async (scene) => {
    const { election, proxy } = scene;
    const answer = { kind: "answer", headers: { "retry-after": "1" }, body: {} } as const;
    proxy.on({ method: "GET", nth: 1 }, { ...answer, status: 429 });
    proxy.on({ method: "POST", nth: 1 }, { ...answer, status: 503 });
    const a = await election.pod("overloaded-a");
    await a.lead({ through: proxy }).printed(/leads as overloaded-a/);
    for (const { receivedAt, status, index } of proxy.log) {
      const next = proxy.log[index];
      if (status === 429)
        expect((next?.receivedAt ?? 0) - receivedAt).toBeGreaterThanOrEqual(1_000);
    }
  });

  scenario(
    "silent",
    "a request that nobody answers is given up after 10 s",
    async ({ election, proxy }) => {
      proxy.on({ nth: 1 }, { kind: "black-hole" });
      const a = await election.pod("silent-a");
      await a.lead({ through: proxy }).printed(/leads as silent-a/);
    },
  );

  scenario("cut", "a watch that is cut while the lock is freed", async (scene) => {
    const { a, second } = await pair(scene);
    scene.proxy.on({ path: "watch=true" }, { kind: "delay", ms: 1_500 });
    scene.proxy.cut({ path: "watch=true" });
    await a.remove();
    await second.printed(/leads as cut-b/);
  });

  scenario("slow", "bodies that come byte for byte", async ({ election, proxy }) => {
    proxy.on({}, { kind: "slow-body", bytes: 40, everyMs: 2 });
    const a = await election.pod("slow-a");
    await a.lead({ through: proxy }).printed(/leads as slow-a/);
  });

  scenario("expired", "a watch that answers 410 is not begun anew in a hot loop", async (scene) => {
    const { a, second } = await pair(scene);
    const gone = { type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } };
    const body = `${JSON.stringify(gone)}\n`;
    const off = scene.proxy.on({ path: "watch=true" }, { kind: "answer", status: 200, body });
    scene.proxy.cut({ path: "watch=true" });
    const before = scene.proxy.log.length;
    await sleep(2_000);
    // Two watches, each with a list, after 0.1 to 0.2 s, then twice that, and so on.
    expect(scene.proxy.log.length - before).toBeLessThan(30);
    await a.remove();
    await second.printed(/leads as expired-b/);
    off();
  });
});

describe.concurrent("a lock that vanishes under its leader", () => {
  scenario(
    "foreground",
    "deletion in the foreground removes it first: who saw it waits",
    async (scene) => {
      const { a, second } = await pair(scene);
      await a.patch(inGrace(["example.com/grace"]));
      await cluster.request("DELETE", podPath(a), { propagationPolicy: "Foreground" });
      await goneFrom(scene.election.path);
      await sleep(moment);
      expect(second.output().stdout).toBe("");
      await a.stop();
      await a.patch(inGrace(null));
      await second.printed(/leads as foreground-b/);
    },
  );

  scenario(
    "by-hand",
    "by hand: who saw it waits, and the leader's restart takes it back",
    async (scene) => {
      const { a, second } = await pair(scene);
      await cluster.request("DELETE", scene.election.path);
      await sleep(moment);
      expect(second.output().stdout).toBe("");
      await a.stop();
      await a.lead().printed(/leads as by-hand-a/);
      expect((await scene.election.read())?.metadata.ownerReferences?.[0]?.name).toBe("by-hand-a");
      await a.remove();
      await second.printed(/leads as by-hand-b/);
    },
  );

  scenario(
    "selector",
    "--selector: also who never saw it waits for pods that end",
    async (scene) => {
      const { election } = scene;
      const a = await election.pod("selector-a");
      await a.patch({ metadata: { labels: { app: "worker" }, finalizers: ["example.com/grace"] } });
      await a.lead().printed(/leads as selector-a/);
      await cluster.request("DELETE", podPath(a), { propagationPolicy: "Foreground" });
      await goneFrom(election.path);
      const b = await election.pod("selector-b");
      const second = b.lead({ options: ["--selector", "app=worker"] });
      await second.printed(/waiting for the end of selector-a/);
      await sleep(moment);
      expect(second.output().stdout).toBe("");
      await a.stop();
      await a.patch(inGrace(null));
      await second.printed(/leads as selector-b/);
    },
  );
});

describe.concurrent("a lock that a finalizer holds back", () => {
  scenario(
    "held-back",
    "whoever waits goes on waiting until the lock is gone, not only its pod",
    async (scene) => {
      const { a, second } = await pair(scene);
      const { election } = scene;
      await cluster.request("PATCH", election.path, inGrace(["example.com/keep"]));
      await a.stop();
      await a.setStatus({ phase: "Succeeded" });
      const isTerminating = async () => (await election.read())?.metadata.deletionTimestamp;
      while (!(await isTerminating())) await sleep(20);
      await sleep(moment);
      expect(second.output().stdout).toBe("");
      await cluster.request("PATCH", election.path, inGrace(null));
      await second.printed(/leads as held-back-b/);
    },
  );

  scenario("own-held-back", "a leader's restart waits for it as well", async ({ election }) => {
    const a = await election.pod("own-held-back-a");
    await a.lead().printed(/leads as/);
    await a.stop();
    await cluster.request("PATCH", election.path, inGrace(["example.com/keep"]));
    await cluster.request("DELETE", election.path);
    const again = a.lead();
    await again.printed(/waiting for own-held-back, held by pod own-held-back-a/);
    await cluster.request("PATCH", election.path, inGrace(null));
    await again.printed(/leads as/);
  });
});

describe.concurrent("pods that end in other ways", () => {
  scenario("grace", "a pod in its grace still leads", async (scene) => {
    const { a, second } = await pair(scene);
    await a.patch(inGrace(["example.com/grace"]));
    await cluster.request("DELETE", podPath(a));
    await sleep(moment);
    expect(second.output().stdout).toBe("");
    await a.stop();
    await a.patch(inGrace(null));
    await second.printed(/leads as grace-b/);
  });

  scenario(
    "finished",
    "one that has finished frees the lock, although its object stays",
    async (scene) => {
      const { a, second } = await pair(scene);
      const containers = (state: object) => [
        { name: "main", state, ready: false, restartCount: 0, image: "", imageID: "" },
      ];
      // Evicted, and its container has yet to end.
      const running = containers({ running: { startedAt: new Date().toISOString() } });
      await a.setStatus({ phase: "Failed", reason: "Evicted", containerStatuses: running });
      await sleep(moment);
      expect(second.output().stdout).toBe("");
      await a.stop();
      await a.setStatus({ containerStatuses: containers({ terminated: { exitCode: 137 } }) });
      await second.printed(/leads as finished-b/);
      expect(await cluster.request("GET", podPath(a))).toBeTruthy();
    },
  );

  scenario("not-ready", "a node that is not ready is no reason to lead", async ({ election }) => {
    const node = await namespace.createNode("lost", { ready: false });
    const a = await election.pod("not-ready-a", { nodeName: node.metadata.name });
    await a.lead().printed(/leads as not-ready-a/);
    const second = (await election.pod("not-ready-b")).lead();
    await second.printed(/waiting for not-ready/);
    const unknown = { type: "Ready", status: "Unknown", reason: "NodeStatusUnknown" };
    const path = `/api/v1/nodes/${node.metadata.name}/status`;
    await cluster.request("PATCH", path, { status: { conditions: [unknown] } });
    await sleep(moment);
    expect(second.output().stdout).toBe("");
    // The container runtime's word is not heard any more; only the object's end counts.
    await a.remove();
    await second.printed(/leads as not-ready-b/);
  });

  scenario(
    "ending",
    "a waiter whose own pod is being deleted does not begin to lead",
    async (scene) => {
      const { a, b, second } = await pair(scene);
      await b.patch(inGrace(["example.com/grace"]));
      await cluster.request("DELETE", podPath(b));
      await a.remove();
      expect(await second.ended).toMatchObject({ code: 143, stdout: "" });
      expect(await scene.election.read()).toBeUndefined();
      await b.patch(inGrace(null));
    },
  );

  scenario("same-name", "a new pod of the old one's name is another pod", async (scene) => {
    const { a, second } = await pair(scene);
    await a.remove();
    const again = await scene.election.pod(a.name);
    expect(again.uid).not.toBe(a.uid);
    await second.printed(/leads as same-name-b/);
    const third = again.lead();
    await third.printed(/waiting for same-name, held by pod same-name-b/);
  });
});

describe.concurrent("what is not a lock", () => {
  const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "x", uid: "1" };
  const pod = { apiVersion: "v1", kind: "Pod", name: "x", uid: "2" };
  test.each([
    ["ownerless", []],
    ["deployment", [owner]],
    ["two-owners", [pod, owner]],
  ])(
    "a ConfigMap with other owners is refused and left alone (%s)",
    async (lock, ownerReferences) => {
      await using election = await startElection(cluster, namespace, { lock });
      const object = {
        metadata: { name: lock, finalizers: ["example.com/keep"], ownerReferences },
        data: { key: "value" },
      };
      await cluster.request("POST", namespace.path("configmaps"), object);
      const a = await election.pod(`${lock}-a`);
      const { code, stderr } = await a.lead().ended;
      expect([code, stderr]).toEqual([2, expect.stringContaining(`${lock} is not a lock`)]);
      expect(await election.read()).toMatchObject({ data: { key: "value" } });
      await cluster.request("PATCH", election.path, inGrace(null));
    },
  );
});

describe.concurrent("where two may lead, and DESIGN says so", () => {
  scenario(
    "force",
    "a pod object is removed while its process goes on",
    async (scene) => {
      const { a, second } = await pair(scene);
      await a.remove({ force: true });
      await second.printed(/leads as force-b/);
    },
    { twoLead: true },
  );

  scenario(
    "never-saw",
    "a candidate never saw the lock that was removed under a living leader",
    async ({ election }) => {
      const [a, b] = [await election.pod("never-saw-a"), await election.pod("never-saw-b")];
      await a.lead().printed(/leads as never-saw-a/);
      await cluster.request("DELETE", election.path);
      await b.lead().printed(/leads as never-saw-b/);
    },
    { twoLead: true },
  );

  scenario(
    "blind",
    "the minimal role cannot look at pods, so a lock removed by hand counts as free",
    async (scene) => {
      const { second } = await pair(scene);
      await cluster.request("DELETE", scene.election.path);
      await second.printed(/leads as blind-b/);
    },
    { minimal: true, twoLead: true },
  );

  test("one pod uses the lock twice", async () => {
    await using election = await startElection(cluster, namespace, { lock: "twice" });
    const a = await election.pod("twice-a");
    await a.lead().printed(/leads as twice-a/);
    await a.lead().printed(/leads as twice-a/);
    expect(election.timeline()).toEqual(["begin twice-a", "begin twice-a"]);
  });
});
