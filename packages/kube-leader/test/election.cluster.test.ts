import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RunningCli, startCli } from "@internal/test/cli";
import {
  type Cluster,
  type Manifest,
  type TestNamespace,
  useCluster,
} from "@internal/test/cluster";
import { makeFolder } from "@internal/test/folder";
import { afterAll, beforeAll, expect, test } from "vitest";
import { renderDeployment, renderRbac } from "../src/index.ts";

let cluster: Cluster;
let namespace: TestNamespace;
const running: RunningCli[] = [];

beforeAll(async () => {
  cluster = useCluster();
  namespace = await cluster.namespace("leader");
});
afterAll(async () => {
  for (const cli of running) cli.kill("SIGKILL");
  await Promise.all(running.map(({ ended }) => ended));
  await namespace[Symbol.asyncDispose]();
});

/** Applies what `render rbac` gives. */
async function allow(lock: string, minimal = false): Promise<void> {
  for (const object of renderRbac({ name: lock, namespace: namespace.name, minimal })) {
    await cluster.create(object as Manifest);
  }
}

/** A pod that may lead; kube-leader in it is what `lead` starts. */
async function candidate(name: string, lock: string) {
  // Without a kubelet a pod with grace would stay for ever.
  const spec = { serviceAccountName: lock, terminationGracePeriodSeconds: 0 };
  const pod = await namespace.createPod(name, { spec, ready: true });
  const folder = await namespace.podBoundTokenFolder(pod);
  const { hostname, port } = new URL(cluster.url);
  const env = {
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
    KUBE_LEADER_SERVICE_ACCOUNT_DIR: folder,
  };
  return {
    lead: (...command: string[]) => {
      const cli = startCli("kube-leader", ["--name", lock, "--", ...command], { env });
      running.push(cli);
      return cli;
    },
    remove: () => cluster.request("DELETE", `${namespace.path("pods")}/${name}`),
  };
}

const stay = ["sh", "-c", 'echo "leads as $KUBE_LEADER_POD"; exec sleep 120'];

test.each([
  ["the recommended", false],
  ["the minimal", true],
])("with %s role one leads, and the other follows when its pod is deleted", async (_, minimal) => {
  const lock = minimal ? "minimal" : "recommended";
  await allow(lock, minimal);
  const [a, b] = [await candidate(`${lock}-a`, lock), await candidate(`${lock}-b`, lock)];
  const first = a.lead(...stay);
  await first.printed(new RegExp(`leads as ${lock}-a`));
  const second = b.lead(...stay);
  await second.printed(new RegExp(`waiting for ${lock}, held by pod ${lock}-a`));

  // The container is restarted: the pod leads again, the other goes on waiting.
  first.kill("SIGKILL");
  await first.ended;
  const again = a.lead(...stay);
  await again.printed(new RegExp(`leads as ${lock}-a`));
  expect(second.output().stdout).toBe("");

  again.kill("SIGKILL");
  await again.ended;
  await a.remove();
  await second.printed(new RegExp(`leads as ${lock}-b`));
});

test("less than the minimal role is named: verb, resource, namespace, account", async () => {
  await namespace.serviceAccount("powerless", {
    rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["create"] }],
  });
  const { lead } = await candidate("powerless-a", "powerless");
  const cli = lead("true");
  const user = `system:serviceaccount:${namespace.name}:powerless`;
  await cli.printed(
    new RegExp(`not allowed to list configmaps in namespace ${namespace.name} as ${user}`),
  );
  cli.kill("SIGTERM");
  expect((await cli.ended).code).toBe(143);
});

test("thirty candidates at once: each leads once, never two at a time", async () => {
  const lock = "crowd";
  await allow(lock);
  using folder = makeFolder();
  const timeline = join(folder.path, "timeline");
  writeFileSync(timeline, "");
  // Each line is written whole; a second leader's "begin" would stand between a "begin" and its "end".
  const work = `echo "begin $KUBE_LEADER_POD" >> ${timeline}; sleep 0.05; echo "end $KUBE_LEADER_POD" >> ${timeline}`;
  const names = Array.from({ length: 30 }, (_, index) => `crowd-${index}`);
  const candidates = await Promise.all(names.map((name) => candidate(name, lock)));
  await Promise.all(
    candidates.map(async ({ lead, remove }) => {
      const { code } = await lead("sh", "-c", work).ended;
      expect(code).toBe(0);
      await remove();
    }),
  );
  const lines = readFileSync(timeline, "utf8").trim().split("\n");
  expect(overlaps(lines)).toEqual([]);
  expect(new Set(lines.filter((line) => line.startsWith("begin"))).size).toBe(30);
});

test("the timeline's check finds two leaders", () => {
  expect(overlaps(["begin a", "begin b", "end a", "end b"])).toEqual(["begin b", "end a", "end b"]);
});

/** Lines of a timeline that are not the one that must follow. */
function overlaps(lines: string[]): string[] {
  return lines.filter((line, index) => {
    const expected = index % 2 === 0 ? "begin" : `end ${lines[index - 1]?.split(" ")[1]}`;
    return !line.startsWith(expected);
  });
}

test("what render deployment gives is accepted", async () => {
  const options = { name: "rendered", image: "example.com/app:1", namespace: namespace.name };
  const { metadata } = await cluster.create(
    renderDeployment({ ...options, healthPort: 8080 }) as Manifest,
  );
  expect(metadata.uid).toBeTruthy();
});
