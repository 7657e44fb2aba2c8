import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, type TestNamespace, useCluster } from "@internal/test/cluster";
import { startFaultProxy } from "@internal/test/fault-proxy";
import { makeFolder } from "@internal/test/folder";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { acquireLeadership, type Leadership, readLeader, runAsLeader } from "../src/index.ts";
import { roleFor, startElection, type TestElection, type TestPod } from "./pods.ts";

let cluster: Cluster;
let namespace: TestNamespace;
let election: TestElection;
let a: TestPod;
let b: TestPod;
const name = "library";

beforeAll(async () => {
  cluster = useCluster();
  namespace = await cluster.namespace("leader-library");
  election = await startElection(cluster, namespace, { lock: name });
  [a, b] = [await election.pod("library-a"), await election.pod("library-b")];
});
afterAll(() => namespace[Symbol.asyncDispose]());

const held: Leadership[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const leadership of held.splice(0)) await leadership.release();
});

/** client-node's own, as a program of its users has it: of a user who is a pod. */
async function kubeConfigOf(pod: TestPod, { url, ca } = cluster): Promise<KubeConfig> {
  const account = await cluster.request("GET", `${namespace.path("pods")}/${pod.name}`);
  const token = await namespace.token(name, account as never);
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: "here", server: url, caData: btoa(ca) }],
    users: [{ name: "pod", token }],
    contexts: [{ name: "default", cluster: "here", user: "pod", namespace: namespace.name }],
    currentContext: "default",
  });
  return config;
}

async function acquire(pod: TestPod, options = {}): Promise<Leadership> {
  const leadership = await acquireLeadership({
    name,
    kubeConfig: await kubeConfigOf(pod),
    ...options,
  });
  held.push(leadership);
  return leadership;
}

describe("acquireLeadership", () => {
  test("leads as the pod of the KubeConfig's token, and tells the lock's version", async () => {
    const { lock, pod, fencingToken, signal } = await acquire(a);
    expect({ lock, pod, fencingToken, aborted: signal.aborted }).toEqual({
      lock: name,
      pod: "library-a",
      fencingToken: (await election.read())?.metadata.resourceVersion,
      aborted: false,
    });
  });

  test("another is told whom it waits for, follows a release, and has a greater fencing token", async () => {
    const first = await acquire(a);
    const waiting = Promise.withResolvers<object>();
    const second = acquire(b, { onWaiting: waiting.resolve });
    expect(await waiting.promise).toEqual({ pod: "library-a", uid: a.uid });
    await first.release();
    expect(first.signal.aborted).toBe(true);
    const { pod, fencingToken } = await second;
    expect(pod).toBe("library-b");
    expect(BigInt(fencingToken)).toBeGreaterThan(BigInt(first.fencingToken));
  });

  test("its signal aborts when the lock is gone, or becomes another's", async () => {
    const first = await acquire(a);
    const gone = new Promise((resolve) => first.signal.addEventListener("abort", resolve));
    await cluster.request("DELETE", election.path);
    await gone;
    expect(first.signal.reason).toEqual(new Error("the lock is gone"));

    const second = await acquire(a);
    const taken = new Promise((resolve) => second.signal.addEventListener("abort", resolve));
    const owner = { apiVersion: "v1", kind: "Pod", name: b.name, uid: b.uid };
    await cluster.request("PATCH", election.path, { metadata: { ownerReferences: [owner] } });
    await taken;
    await cluster.request("DELETE", election.path);
  });

  test("the caller's signal ends the wait, with its reason", async () => {
    await acquire(a);
    const ending = new AbortController();
    const reason = new Error("enough");
    const onWaiting = () => ending.abort(reason);
    await expect(acquire(b, { signal: ending.signal, onWaiting })).rejects.toBe(reason);
  });

  test("without a KubeConfig it uses the pod's own token and address", async () => {
    for (const [variable, value] of Object.entries(a.env)) vi.stubEnv(variable, value);
    expect((await acquire(a, { kubeConfig: undefined })).pod).toBe("library-a");
  });

  test("who is an administrator names the pod in the environment, and it must be there", async () => {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(cluster.kubeconfigFile);
    vi.stubEnv("POD_NAMESPACE", namespace.name);
    vi.stubEnv("POD_NAME", "library-a");
    expect((await acquire(a, { kubeConfig })).pod).toBe("library-a");
    vi.stubEnv("POD_UID", b.uid);
    await expect(acquire(a, { kubeConfig })).rejects.toMatchObject({ code: "CONFIGURATION" });
  });

  test("any object of that shape will do; another is refused", async () => {
    const config = await kubeConfigOf(a);
    const kubeConfig = {
      getCurrentCluster: () => ({ server: cluster.url }),
      getCurrentContext: () => "default",
      getContextObject: () => ({ namespace: namespace.name }),
      getCurrentUser: () => config.getCurrentUser(),
      applyToHTTPSOptions: async (options: object) => {
        const authorization = `Bearer ${config.getCurrentUser()?.token}`;
        Object.assign(options, { ca: cluster.ca, headers: { authorization } });
      },
    };
    expect((await acquire(a, { kubeConfig })).pod).toBe("library-a");
    await expect(acquire(a, { kubeConfig: {} })).rejects.toMatchObject({ code: "CONFIGURATION" });
  });
});

describe("runAsLeader", () => {
  test("runs a child with what it needs to know, tells how it ended, frees the lock", async () => {
    using folder = makeFolder();
    const script = 'echo "$KUBE_LEADER_LOCK $KUBE_LEADER_POD" > "$1"; exit 7';
    const args = ["-c", script, "sh", `${folder.path}/seen`];
    const kubeConfig = await kubeConfigOf(a);
    expect(await runAsLeader("sh", args, { name, kubeConfig })).toEqual({ code: 7, signal: null });
    expect(readFileSync(`${folder.path}/seen`, "utf8")).toBe("library library-a\n");
    expect(await election.read()).toBeUndefined();
  });

  test("the child is asked to end when the caller's signal aborts, and when the lock is lost", async () => {
    const kubeConfig = await kubeConfigOf(a);
    const ending = new AbortController();
    const ended = runAsLeader("sleep", ["600"], { name, kubeConfig, signal: ending.signal });
    await expect.poll(() => election.read()).toBeDefined();
    ending.abort();
    expect(await ended.catch(() => "never began")).toEqual(
      expect.toSatisfy((end) => end === "never began" || end.signal === "SIGTERM"),
    );

    const lost = runAsLeader("sleep", ["600"], { name, kubeConfig });
    await expect.poll(() => election.read()).toBeDefined();
    await cluster.request("DELETE", election.path);
    // Before it led it takes the lock again, and ends when that is lost.
    const again = setInterval(() => cluster.request("DELETE", election.path).catch(() => {}), 500);
    expect(await lost).toEqual({ code: null, signal: "SIGTERM" });
    clearInterval(again);
  });

  test("a command that is not there is known before the lock is taken", async () => {
    const kubeConfig = await kubeConfigOf(a);
    await expect(runAsLeader("no-such-command", [], { name, kubeConfig })).rejects.toMatchObject({
      code: "COMMAND",
      exitCode: 127,
    });
    expect(await election.read()).toBeUndefined();
  });

  test("the child's end is told although the API server is away, and the lock is freed when it is back", async () => {
    await using proxy = await startFaultProxy(cluster.url, { upstreamCa: cluster.ca });
    const kubeConfig = await kubeConfigOf(a, { ...cluster, url: proxy.url, ca: proxy.ca ?? "" });
    using folder = makeFolder();
    const script = "touch began; until [ -e go ]; do sleep 0.1; done; exit 7";
    const args = ["-c", `cd "$1"; ${script}`, "sh", folder.path];
    const troubles: string[] = [];
    const onTrouble = (sentence: string) => troubles.push(sentence);
    const ended = runAsLeader("sh", args, { name, kubeConfig, onTrouble });
    await expect.poll(() => existsSync(`${folder.path}/began`)).toBe(true);
    const restore = proxy.on({}, { kind: "cut-before" });
    writeFileSync(`${folder.path}/go`, "");
    expect(await ended).toEqual({ code: 7, signal: null });
    expect(troubles).toContainEqual(expect.stringContaining("library is not freed yet"));
    expect(await election.read()).toBeDefined();
    restore();
    await expect.poll(() => election.read(), { timeout: 30_000 }).toBeUndefined();
  });

  test("data that somebody adds to its lock do not end its lead", async () => {
    const leadership = await acquire(a);
    await cluster.request("PATCH", election.path, { data: { note: "hello" } });
    const other = new AbortController();
    const waiting = acquire(b, { signal: other.signal });
    await sleep(1000);
    expect(leadership.signal.aborted).toBe(false);
    other.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });

  test("with the minimal role the lock stays for the pod's life, and that is told", async () => {
    await namespace.serviceAccount("minimal", { rules: roleFor("minimal", true) });
    await using minimal = await startElection(cluster, namespace, {
      lock: "minimal",
      account: "minimal",
    });
    const pod = await minimal.pod("minimal-a");
    for (const [variable, value] of Object.entries(pod.env)) vi.stubEnv(variable, value);
    const troubles: string[] = [];
    const onTrouble = (sentence: string) => troubles.push(sentence);
    expect(await runAsLeader("true", [], { name: "minimal", onTrouble })).toMatchObject({
      code: 0,
    });
    expect(troubles).toEqual([expect.stringContaining("stays until pod minimal-a is gone")]);
    expect(await minimal.read()).toBeDefined();
  });
});

describe("readLeader", () => {
  test("tells who leads and since when; undefined when nobody does", async () => {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(cluster.kubeconfigFile);
    const where = { name, namespace: namespace.name, kubeConfig };
    expect(await readLeader(where)).toBeUndefined();
    const before = Date.now();
    await acquire(a);
    const leader = await readLeader(where);
    expect(leader).toEqual({
      pod: "library-a",
      uid: a.uid,
      since: expect.any(Date),
      phase: "Running",
    });
    // Kubernetes tells whole seconds.
    expect(leader?.since.getTime()).toBeGreaterThan(before - 1_000);
  });

  test("without rights on pods it does not know the phase", async () => {
    await using less = await startElection(cluster, namespace, { lock: "phase", minimal: true });
    const pod = await less.pod("phase-a");
    for (const [variable, value] of Object.entries(pod.env)) vi.stubEnv(variable, value);
    await acquireLeadership({ name: "phase" });
    expect(await readLeader({ name: "phase" })).not.toHaveProperty("phase");
  });

  test("a ConfigMap that is not a lock is an error", async () => {
    await cluster.request("POST", namespace.path("configmaps"), { metadata: { name: "foreign" } });
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(cluster.kubeconfigFile);
    const where = { name: "foreign", namespace: namespace.name, kubeConfig };
    await expect(readLeader(where)).rejects.toMatchObject({ code: "FOREIGN_LOCK" });
  });
});
