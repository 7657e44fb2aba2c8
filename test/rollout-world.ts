import { type FakeAws, startFakeAws } from "./aws/fake.ts";
import { startQueue } from "./aws/queue.ts";
import { type FakeKubernetes, startFakeKubernetes } from "./kubernetes/fake.ts";

/** A cluster, a queue and an Auto Scaling group, all in this process, all over HTTP. */
export interface RolloutWorld extends AsyncDisposable {
  kubernetes: FakeKubernetes;
  aws: FakeAws;
  /** What a process needs to reach all three. */
  env: Record<string, string>;
  queueUrl: string;
  send(body: string): Promise<void>;
  /** The messages in the queue: to be received, and in somebody's hands. */
  queued(): { ready: number; inFlight: number };
}

/** The Auto Scaling group and its terminate hook. */
export const group = "workers";
export const hook = "drain";

/**
 * Starts two nodes, `old` on instance `i-old` with a Deployment of four pods under a budget that lets one go
 * at a time, and `new` on `i-new`, empty.
 */
export async function startRolloutWorld(): Promise<RolloutWorld> {
  const kubernetes = await startFakeKubernetes({
    kubelet: { readyAfterMs: 300, stopAfterMs: 300 },
  });
  const aws = await startFakeAws();
  const queue = await startQueue();
  aws.addGroup({ name: group, hooks: [{ name: hook }], instances: ["i-old", "i-new"] });
  kubernetes.apply(node("old"), budget, deployment);
  await allReady(kubernetes);
  kubernetes.apply(node("new"));
  return {
    kubernetes,
    aws,
    queueUrl: queue.url,
    env: { ...aws.env, ...queue.env, KUBECONFIG: kubernetes.kubeconfigFile() },
    send: queue.send,
    queued: queue.queued,
    async [Symbol.asyncDispose]() {
      await Promise.all([kubernetes.close(), aws.close(), queue[Symbol.asyncDispose]()]);
    },
  };
}

const labels = { app: "web" };
const selector = { matchLabels: labels };

const budget = {
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "web", namespace: "default" },
  spec: { maxUnavailable: 1, selector },
};

const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "default" },
  spec: {
    replicas: 4,
    selector,
    template: {
      metadata: { labels },
      spec: {
        terminationGracePeriodSeconds: 5,
        containers: [{ name: "web", image: "registry.example/web:1" }],
      },
    },
  },
};

function node(name: string) {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    spec: { providerID: `aws:///eu-west-1a/i-${name}` },
    status: {
      conditions: [
        {
          ...{ type: "Ready", status: "True", reason: "KubeletReady" },
          lastHeartbeatTime: new Date().toISOString(),
          lastTransitionTime: new Date(Date.now() - 3_600_000).toISOString(),
        },
      ],
    },
  };
}

/** Resolves when the Deployment's pods are Ready and its budget has seen them. */
async function allReady(kubernetes: FakeKubernetes): Promise<void> {
  const isReady = () =>
    kubernetes.get("poddisruptionbudgets", "web", "default")?.["status"] !== undefined &&
    (
      kubernetes.get("poddisruptionbudgets", "web", "default") as {
        status: { disruptionsAllowed?: number };
      }
    ).status.disruptionsAllowed === 1;
  if (isReady()) return;
  await new Promise<void>((resolve) => {
    const stop = kubernetes.store.onChange(() => {
      if (!isReady()) return;
      stop();
      resolve();
    });
  });
}
