import { binOf, type RunningCli, runCli, startProcess } from "@internal/test/cli";
import {
  type Cluster,
  type KubernetesObject,
  type Manifest,
  type TestNamespace,
  useCluster,
} from "@internal/test/cluster";
import { startFaultProxy } from "@internal/test/fault-proxy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { cronOfNow, environment, folderWith, startAccount } from "./world.ts";

let cluster: Cluster;
let namespace: TestNamespace;

beforeAll(async () => {
  cluster = useCluster();
  namespace = await cluster.namespace("pager");
  // Pods that ask for more than an unprivileged process needs are refused here.
  await cluster.request("PATCH", `/api/v1/namespaces/${namespace.name}`, {
    metadata: { labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
  });
});
afterAll(() => namespace[Symbol.asyncDispose]());

interface PodTemplate {
  metadata: object;
  spec: { containers: { command: string[]; [field: string]: unknown }[]; [field: string]: unknown };
}

/** What a command renders, as objects. */
async function rendered(bin: string, ...args: string[]): Promise<Manifest[]> {
  const { stdout, stderr, code } = await runCli(bin, ["render", ...args]);
  expect(code, stderr).toBe(0);
  return parseAllDocuments(stdout).map((document) => document.toJS());
}

function templateOf(objects: Manifest[]): PodTemplate {
  const { kind, spec } = objects.find(({ kind }) => /Deployment|CronJob/.test(kind)) as Manifest;
  type Spec = { template: PodTemplate; jobTemplate: { spec: { template: PodTemplate } } };
  return kind === "CronJob" ? (spec as Spec).jobTemplate.spec.template : (spec as Spec).template;
}

const kinds: Record<string, [string, string]> = {
  PersistentVolumeClaim: ["persistentvolumeclaims", "v1"],
  Deployment: ["deployments", "apps/v1"],
  CronJob: ["cronjobs", "batch/v1"],
};

/** Creates an object, with every unknown field an error. */
function create(object: Manifest): Promise<KubernetesObject> {
  const [resource, version] = kinds[object.kind] as [string, string];
  return cluster.request(
    "POST",
    `${namespace.path(resource, version)}?fieldValidation=Strict`,
    object,
  );
}

describe("what render prints", () => {
  test.for([
    ["deployment", "one"],
    ["deployment", "two", "--replicas", "2"],
    ["cronjob", "job"],
  ])(
    "%s %s: the API server takes it, and pods of it under the restricted standard",
    async ([kind = "", name = "", ...more]) => {
      const objects = await rendered(
        "pagerduty-tester",
        kind,
        "--image",
        "example.com/t:1",
        ...more,
      );
      for (const object of objects) {
        const { name: own } = object.metadata;
        object.metadata.name = `${name}-${own}`;
        expect((await create(object)).metadata.uid).toBeTruthy();
      }
      const { metadata, spec } = templateOf(objects);
      // The account is what kube-leader's own render makes.
      const { serviceAccountName: _, ...rest } = spec;
      const pod = { metadata: { ...metadata, name }, spec: rest };
      const path = `${namespace.path("pods")}?fieldValidation=Strict&dryRun=All`;
      expect((await cluster.request("POST", path, pod)).metadata.name).toBe(name);
    },
  );

  test("a CronJob's command does its work", async () => {
    const fake = await startAccount({ users: [{ id: "PADA", answer: { after: 0 } }] });
    const objects = await rendered("pagerduty-tester", "cronjob", "--image", "example.com/t:1");
    const [container] = templateOf(objects).spec.containers;
    const command = onThisMachine(
      container?.command ?? [],
      folderWith({ "config.yaml": people() }),
    );
    const { code, stdout } = await start(command, environment(fake)).ended;
    expect(stdout).toMatch(/Ada: pass/);
    expect(code).toBe(0);
  });
});

const people = () => `verifyMinutes: 0.2
pollSeconds: 0.2
listLagSeconds: 0.5
ratePerMinute: 600
users:
  - { name: Ada, id: PADA, cron: "${cronOfNow()}" }
`;

/** A rendered command with this checkout's bins, and a folder for the two that are mounted. */
function onThisMachine(command: readonly string[], folder: string): string[] {
  const bins = command.flatMap((word, index) =>
    index === 0 || command[index - 1] === "--" ? [process.execPath, binOf(word)] : [word],
  );
  return bins.map((word) => word.replace(/^\/(etc|var\/lib)\/pagerduty-tester/, folder));
}

function start([program = "", ...args]: string[], env: Record<string, string>): RunningCli {
  return startProcess(program, args, { env });
}

describe("two replicas behind kube-leader, with the journal on a volume that both have", () => {
  let command: string[];
  const account = "pagerduty-tester";

  beforeAll(async () => {
    const rbac = ["rbac", "--name", account, "--namespace", namespace.name];
    for (const object of await rendered("kube-leader", ...rbac)) await cluster.create(object);
    const args = ["deployment", "--replicas", "2", "--image", "example.com/t:1"];
    const { spec } = templateOf(await rendered("pagerduty-tester", ...args));
    expect(spec["serviceAccountName"]).toBe(account);
    // Two replicas share one host here, and would share its ports.
    const ports = new Set(["--listen", ":9090", "--health-port", "9090"]);
    command = (spec.containers[0]?.command ?? []).filter((word) => !ports.has(word));
  });

  async function replica(name: string, folder: string, env: Record<string, string>) {
    const restricted = { serviceAccountName: account, terminationGracePeriodSeconds: 0 };
    const security = parse(`
runAsNonRoot: true
runAsUser: 1000
seccompProfile: { type: RuntimeDefault }
allowPrivilegeEscalation: false
capabilities: { drop: [ALL] }`);
    const { allowPrivilegeEscalation, capabilities, ...ofPod } = security;
    const containers = [
      {
        ...{ name: "main", image: "example.org/none" },
        securityContext: { allowPrivilegeEscalation, capabilities },
      },
    ];
    const spec = { ...restricted, securityContext: ofPod, containers };
    const pod = await namespace.createPod(name, { spec, ready: true });
    const { hostname, port } = new URL(cluster.url);
    const cli = start(onThisMachine(command, folder), {
      ...env,
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      KUBE_LEADER_SERVICE_ACCOUNT_DIR: await namespace.podBoundTokenFolder(pod),
    });
    return {
      cli,
      /** The node dies: the process is gone at once, and its pod is deleted. */
      die: async () => {
        cli.kill("SIGKILL");
        await cli.ended;
        await cluster.request("DELETE", `${namespace.path("pods")}/${name}`, {
          gracePeriodSeconds: 0,
        });
      },
    };
  }

  test.for([
    ["before PagerDuty got the request", "beforeForward"],
    ["after PagerDuty had accepted, unheard", "afterApplied"],
  ] as const)("the leader dies %s: the other goes on, with one page", async ([, moment]) => {
    const fake = await startAccount({
      users: [{ id: "PADA", answer: { after: 0.05, action: "acknowledge" } }],
      switches: { listLagSeconds: 0.3 },
    });
    const folder = folderWith({ "config.yaml": people() });
    await using proxy = await startFaultProxy(fake.url);
    const env = { ...environment(fake), PAGERDUTY_API_URL: proxy.url };
    const first = await replica(`a-${moment.toLowerCase()}`, folder, env);
    const dead = Promise.withResolvers<void>();
    proxy[moment] = ({ method }) => {
      if (method !== "POST") return undefined;
      proxy[moment] = () => undefined;
      first.die().then(dead.resolve, dead.reject);
      return { kind: moment === "beforeForward" ? "cut-before" : "cut-after" };
    };
    await first.cli.printed(/following the schedule/);
    const second = await replica(`b-${moment.toLowerCase()}`, folder, env);
    await dead.promise;
    await second.cli.printed(/Ada: pass/);
    second.cli.kill("SIGTERM");
    expect((await second.cli.ended).code).toBe(0);
    await second.die();
    expect(fake.pages).toHaveLength(1);
    expect(fake.incidents.map(({ status }) => status)).toEqual(["resolved"]);
  });
});
