import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { runCli } from "@internal/test/cli";
import { startFaultProxy } from "@internal/test/fault-proxy";
import { makeFolder } from "@internal/test/folder";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Candidates, holderOf, namespace, startCandidates, through } from "./candidates.ts";

let candidates: Candidates;
beforeAll(async () => {
  candidates = await startCandidates();
});
afterAll(async () => {
  expect(candidates.cluster.problems).toEqual([]);
  await candidates[Symbol.asyncDispose]();
});

/** A command that tells who leads, and stays. */
const stay = ["sh", "-c", 'echo "leads as $KUBE_LEADER_POD"; exec sleep 60'];

describe("leading", () => {
  test("takes the lock, becomes the command, and tells it what it holds", async () => {
    const env = candidates.pod("first-0");
    const print =
      "process.stdout.write([KUBE_LEADER_LOCK, KUBE_LEADER_POD, KUBE_LEADER_FENCING_TOKEN, process.pid].join(' '))".replaceAll(
        "KUBE_",
        "process.env.KUBE_",
      );
    const cli = candidates.start(env, ["--name", "first", "--", process.execPath, "-e", print]);
    const { code, stdout } = await cli.ended;
    const lock = candidates.cluster.get("configmaps", "first", namespace);
    expect(code).toBe(0);
    // The same process id: the command took kube-leader's place.
    expect(stdout).toBe(`first first-0 ${lock?.metadata.resourceVersion} ${cli.pid}`);
    const pod = candidates.cluster.get("pods", "first-0", namespace);
    expect(lock?.metadata.ownerReferences).toEqual([
      { apiVersion: "v1", kind: "Pod", name: "first-0", uid: pod?.metadata.uid },
    ]);
    // A lock from a backup would have no owner, and nobody would ever free it.
    expect(lock?.metadata.labels).toMatchObject({ "velero.io/exclude-from-backup": "true" });
  });

  test("LOCK COMMAND, the options behind it the command's own, and its exit code", async () => {
    const env = candidates.pod("short-0");
    const { ended } = candidates.start(env, ["short", "sh", "-c", "exit $1", "sh", "--", "7"]);
    expect((await ended).code).toBe(2); // sh: `exit --` is no number
    const again = candidates.start(env, ["short", "sh", "-c", "exit 7"]);
    expect((await again.ended).code).toBe(7);
  });

  test("a restarted container of the same pod leads again at once", async () => {
    const env = candidates.pod("restart-0");
    expect((await candidates.start(env, ["restart", "true"]).ended).code).toBe(0);
    const uid = candidates.cluster.get("configmaps", "restart", namespace)?.metadata.uid;
    const { code, stderr } = await candidates.start(env, ["restart", "true"]).ended;
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("waiting")]);
    expect(candidates.cluster.get("configmaps", "restart", namespace)?.metadata.uid).toBe(uid);
  });

  test("outside a cluster the command runs at once, and a line says so", async () => {
    const { code, stdout, stderr } = await runCli("kube-leader", ["lock", "echo", "hello"], {
      env: { KUBE_LEADER_SERVICE_ACCOUNT_DIR: "/nowhere" },
    });
    expect([code, stdout]).toEqual([0, "hello\n"]);
    expect(stderr).toMatch(/^kube-leader: not in a cluster .*running echo without a lock\n$/);
  });
});

describe("waiting", () => {
  test("waits for the leader's pod, says so once, and takes over when it is gone", async () => {
    const leader = candidates.start(candidates.pod("held-0"), ["held", ...stay]);
    await leader.printed(/leads as held-0/);
    const waiter = candidates.start(candidates.pod("held-1"), ["held", ...stay]);
    await waiter.printed(/waiting for held, held by pod held-0/);
    expect(waiter.output().stdout).toBe("");
    expect(holderOf(candidates.cluster, "held")).toBe("held-0");

    leader.kill("SIGKILL");
    await candidates.deletePod("held-0");
    await waiter.printed(/leads as held-1/);
    expect(holderOf(candidates.cluster, "held")).toBe("held-1");
    expect(waiter.output().stderr.match(/waiting for/g)).toHaveLength(1);
  });

  test("a lock that vanishes under a living leader is no invitation", async () => {
    const leader = candidates.start(candidates.pod("vanish-0"), ["vanish", ...stay]);
    await leader.printed(/leads as vanish-0/);
    const waiter = candidates.start(candidates.pod("vanish-1"), ["vanish", ...stay]);
    await waiter.printed(/waiting for/);
    await candidates.request("DELETE", `configmaps/vanish`);
    const third = candidates.start(candidates.pod("after-0"), ["after", "true"]);
    await third.ended; // the API has long told of the deletion by now
    expect(waiter.output().stdout).toBe("");
    await candidates.deletePod("vanish-0");
    await waiter.printed(/leads as vanish-1/);
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("%s ends the wait with %i, and nothing runs", async (signal, expected) => {
    const lock = signal.toLowerCase();
    await candidates.start(candidates.pod(`${lock}-0`), [lock, "true"]).ended;
    const waiter = candidates.start(candidates.pod(`${lock}-1`), [lock, "echo", "ran"]);
    await waiter.printed(/waiting for/);
    waiter.kill(signal);
    expect(await waiter.ended).toMatchObject({ code: expected, stdout: "" });
  });

  test("SIGUSR1, meant for the command, opens no debugger and does not end the wait", async () => {
    await candidates.start(candidates.pod("usr-0"), ["usr", "true"]).ended;
    const waiter = candidates.start(candidates.pod("usr-1"), ["usr", "echo", "ran"]);
    await waiter.printed(/waiting for/);
    waiter.kill("SIGUSR1");
    waiter.kill("SIGTERM");
    const { code, stdout, stderr } = await waiter.ended;
    expect([code, stdout, stderr]).toEqual([143, "", expect.not.stringMatching(/debugger/i)]);
  });

  // 1.001 s are 1000.9999999999999 ms, and timers take whole ones.
  test.each(["probed-late", "late"])(
    "--timeout 1.001 gives up with 124, and names the holder of %s",
    async (lock) => {
      const more = lock === "late" ? [] : ["--health-port", `${await freePort()}`];
      await candidates.start(candidates.pod(`${lock}-0`), [lock, "true"]).ended;
      const uid = candidates.cluster.get("pods", `${lock}-0`, namespace)?.metadata.uid;
      const args = [
        "--name",
        lock,
        "--timeout",
        "1.001",
        "--log",
        "json",
        ...more,
        "--",
        "echo",
        "ran",
      ];
      const waiter = candidates.start(candidates.pod(`${lock}-1`), args);
      const { code, stdout, stderr } = await waiter.ended;
      expect([code, stdout]).toEqual([124, ""]);
      const common = { "@timestamp": expect.any(String), logger: "kube-leader" };
      const lines = stderr.trim().split("\n");
      expect(lines.map((line) => JSON.parse(line))).toEqual([
        {
          ...common,
          level: "INFO",
          message: `waiting for ${lock}, held by pod ${lock}-0 (${uid})`,
          properties: { lock, pod: `${lock}-0`, uid },
        },
        {
          ...common,
          level: "ERROR",
          message: `gave up waiting for ${lock} after 1.001 s, held by pod ${lock}-0 (${uid}) when last seen`,
          properties: {},
        },
      ]);
    },
  );

  test("--health-port answers probes while waiting, and is the command's when it leads", async () => {
    const port = await freePort();
    await candidates.start(candidates.pod("probed-0"), ["probed", "true"]).ended;
    const args = ["--name", "probed", "--health-port", `${port}`, "--"];
    const serve = `require("node:http").createServer().listen(${port}, () => process.exit(7))`;
    const waiter = candidates.start(candidates.pod("probed-1"), [
      ...args,
      ...[process.execPath, "-e", serve],
    ]);
    await waiter.printed(/waiting for/);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    await candidates.deletePod("probed-0");
    expect((await waiter.ended).code).toBe(7);
  });

  test("an API server that is away is told once, and waited for", async () => {
    const port = await freePort();
    const env = { ...candidates.pod("away-0"), KUBERNETES_SERVICE_PORT: `${port}` };
    const waiter = candidates.start(env, ["away", "echo", "ran"]);
    await waiter.printed(new RegExp(`127.0.0.1:${port}`));
    waiter.kill("SIGTERM");
    const { code, stdout } = await waiter.ended;
    expect([code, stdout]).toEqual([143, ""]);
  });
});

describe("refusing", () => {
  test("a ConfigMap that is not ours is never touched", async () => {
    await candidates.request("POST", "configmaps", {
      metadata: { name: "foreign" },
      data: { key: "value" },
    });
    const { code, stderr } = await candidates.start(candidates.pod("foreign-0"), [
      "foreign",
      "true",
    ]).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/ConfigMap foreign is not a lock of kube-leader/);
    expect(candidates.cluster.get("configmaps", "foreign", namespace)?.["data"]).toEqual({
      key: "value",
    });
  });

  test("nor is one with data that a pod owns, and that is not of our making", async () => {
    await candidates.start(candidates.pod("kept-0"), ["kept", "true"]).ended;
    await candidates.request("PATCH", "configmaps/kept", {
      metadata: { labels: { "app.kubernetes.io/managed-by": "another" } },
      data: { key: "value" },
    });
    const { code, stderr } = await candidates.start(candidates.pod("kept-1"), ["kept", "true"])
      .ended;
    expect([code, stderr]).toEqual([2, expect.stringMatching(/Pod kept-0 and it has data/)]);
    expect(candidates.cluster.get("configmaps", "kept", namespace)).toBeDefined();
  });

  test("what the role does not allow is named: verb, resource, namespace, account", async () => {
    const env = candidates.pod("unbound-0", "another-lock");
    const waiter = candidates.start(env, ["unbound", "echo", "ran"]);
    await waiter.printed(
      /not allowed to list configmaps in namespace default as system:serviceaccount:default:another-lock/,
    );
    waiter.kill("SIGTERM");
    expect(await waiter.ended).toMatchObject({ code: 143, stdout: "" });
  });

  test("a command that cannot run is found out before the lock is taken", async () => {
    using folder = makeFolder({ "not-executable": "#!/bin/sh\n" });
    const env = candidates.pod("typo-0");
    const missing = await candidates.start(env, ["typo", "no-such-command"]).ended;
    expect([missing.code, missing.stderr]).toEqual([
      127,
      expect.stringContaining("no-such-command"),
    ]);
    const denied = await candidates.start(env, ["typo", `${folder.path}/not-executable`]).ended;
    expect([denied.code, denied.stderr]).toEqual([126, expect.stringContaining("not-executable")]);
    expect(candidates.cluster.get("configmaps", "typo", namespace)).toBeUndefined();
  });

  test.each([
    ["the token without the address", ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"]],
    ["the address without the token", ["KUBE_LEADER_SERVICE_ACCOUNT_DIR"]],
  ])("%s is half a cluster", async (_, absent) => {
    const env: Record<string, string> = candidates.pod(`half-${absent.length}`);
    for (const name of absent) delete env[name];
    const { code, stdout, stderr } = await candidates.start(env, ["half", "echo", "ran"]).ended;
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test.each([
    ["the host, a URL", { KUBERNETES_SERVICE_HOST: "https://10.0.0.1" }],
    ["the host, with a path", { KUBERNETES_SERVICE_HOST: "10.0.0.1/api" }],
    ["the port, as links of old had it", { KUBERNETES_SERVICE_PORT: "tcp://10.0.0.1:443" }],
    ["the port, with a path", { KUBERNETES_SERVICE_PORT: "443/api" }],
    ["the port, of which there is none", { KUBERNETES_SERVICE_PORT: "0" }],
  ])("an address that is none: %s", async (_, change) => {
    const env = { ...candidates.pod("nowhere-0"), ...change };
    const { code, stderr } = await candidates.start(env, ["nowhere", "true"]).ended;
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^kube-leader: .*: not an address.*\n$/),
    ]);
  });

  test.each([
    ["ca.crt", "", /ca\.crt: holds no certificate/],
    ["ca.crt", undefined, /ca\.crt: the API server's certificate cannot be read/],
    ["token", "", /cannot tell this process's pod/],
  ])("a %s that says %j", async (file, text, message) => {
    const env = candidates.pod("unusable-0");
    const path = join(env["KUBE_LEADER_SERVICE_ACCOUNT_DIR"] ?? "", file);
    if (text === undefined) rmSync(path);
    else writeFileSync(path, text);
    const { code, stderr } = await candidates.start(env, ["unusable", "true"]).ended;
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  test.each(["a=b=c", ""])("the selector %j, before the lock is taken", async (selector) => {
    const args = ["--name", "selected", "--selector", selector, "--", "echo", "ran"];
    const { code, stdout } = await candidates.start(candidates.pod("selected-0"), args).ended;
    expect([code, stdout]).toEqual([2, ""]);
    expect(candidates.cluster.get("configmaps", "selected", namespace)).toBeUndefined();
  });

  test("an identity that disagrees with the token", async () => {
    const env = { ...candidates.pod("honest-0"), POD_NAME: "another-0" };
    const { code, stderr } = await candidates.start(env, ["identity", "true"]).ended;
    expect([code, stderr]).toEqual([2, expect.stringContaining("they must agree")]);
  });

  test.each([
    [[], /the lock has no name/],
    [["lock"], /the command is missing/],
    [["--name", "", "sh", "-c", "true"], /--name: the lock's name is empty/],
    [["--name", "lock", "--"], /the command is missing/],
    [["--nmae", "lock", "--", "true"], /--nmae/],
    [["--name", "lock", "--timeout", "soon", "--", "true"], /--timeout soon/],
    [["--name", "lock", "--health-port", "80.5", "--", "true"], /--health-port 80.5/],
    [["--name", "lock", "--log", "xml", "--", "true"], /--log xml/],
  ])("%j", async (args, message) => {
    const { code, stdout, stderr } = await runCli("kube-leader", args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });
});

test("status tells who leads, and exits 1 when nobody does", async () => {
  await candidates.start(candidates.pod("shown-0"), ["shown", "true"]).ended;
  const status = (pod: string, lock: string) =>
    candidates.start(candidates.pod(pod), ["status", "--name", lock]).ended;
  expect(await status("shown-1", "shown")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("shown-0"),
  });
  expect((await status("nobody-1", "nobody")).code).toBe(1);
});

test("status outside a pod says where it works", async () => {
  const env = { KUBE_LEADER_SERVICE_ACCOUNT_DIR: "/nowhere" };
  const { code, stderr } = await runCli("kube-leader", ["status", "--name", "lock"], { env });
  expect([code, stderr]).toEqual([2, expect.stringMatching(/status works in a pod.*kubectl/)]);
});

test("status ends by SIGTERM with 143 while nobody answers", async () => {
  const { cluster } = candidates;
  await using proxy = await startFaultProxy(cluster.url, { upstreamCa: cluster.ca });
  proxy.on({}, { kind: "black-hole" });
  const asked = proxy.next();
  const env = through(proxy, candidates.pod("silent-0"));
  const status = candidates.start(env, ["status", "--name", "silent"]);
  await asked;
  status.kill("SIGTERM");
  expect(await status.ended).toMatchObject({ code: 143, stdout: "", stderr: "" });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
