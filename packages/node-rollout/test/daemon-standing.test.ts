import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { SQSClient } from "@aws-sdk/client-sqs";
import { directNotification } from "@internal/test/aws/notifications";
import { type Fault, startFaultProxy } from "@internal/test/fault-proxy";
import { group, startRolloutWorld } from "@internal/test/rollout-world";
import { afterEach, expect, test, vi } from "vitest";
import { createDaemon, DaemonRefused } from "../src/daemon/daemon.ts";
import type { DaemonEvent } from "../src/daemon/event.ts";
import { createKubernetes } from "../src/kubernetes/http.ts";

afterEach(() => void vi.useRealTimers());

/** One that is deleted without more. */
const message = '{"Event":"autoscaling:TEST_NOTIFICATION"}';

/** A daemon in this process, with proxies before Kubernetes and the queue. */
async function startWorld() {
  const world = await startRolloutWorld();
  const { kubernetes, aws, env, queueUrl } = world;
  // The first poll of an empty queue would take 20 s.
  await world.send(message);
  const api = await startFaultProxy(kubernetes.url, { upstreamCa: kubernetes.ca });
  const sqs = await startFaultProxy(env["AWS_ENDPOINT_URL_SQS"] ?? "");
  const options = {
    ...{ region: "eu-west-1", maxAttempts: 1 },
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const autoScaling = new AutoScalingClient({ ...options, endpoint: aws.url });
  const events: DaemonEvent[] = [];
  const daemon = createDaemon({
    config: { queueUrl, groups: [group] },
    kubernetes: createKubernetes({
      ...{ server: api.url, tls: api.ca === undefined ? {} : { ca: api.ca } },
      headers: async () => ({ authorization: `Bearer ${kubernetes.token}` }),
    }),
    aws: {
      queue: new SQSClient({ ...options, endpoint: sqs.url, useQueueUrlAsEndpoint: false }),
      ...{ autoScaling, heartbeats: autoScaling },
      cloudFormation: new CloudFormationClient({ ...options, endpoint: aws.url }),
      close() {},
    },
    onEvent: (event) => events.push(event),
  });
  const ending = new AbortController();
  const run = daemon.run(ending.signal);
  run.catch(() => {});
  return {
    ...{ world, api, sqs, daemon, events, run },
    async [Symbol.asyncDispose]() {
      ending.abort();
      await run.catch(() => {});
      await Promise.all([api.close(), sqs.close()]);
      await world[Symbol.asyncDispose]();
    },
  };
}

const denied: Fault = {
  kind: "answer",
  status: 403,
  headers: { "content-type": "application/x-amz-json-1.0" },
  body: { __type: "com.amazonaws.sqs#AccessDenied", message: "access is denied" },
};

/** From now on the clock that dates are read from stands so far ahead. */
function setClockAhead(ms: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
}

const isRefusal = (event: DaemonEvent) =>
  event.type === "failed" && event.what === "receive messages";

test("a Kubernetes that goes away makes it not ready, and its return is told", async () => {
  await using started = await startWorld();
  const { api, daemon, events } = started;
  await expect.poll(daemon.problem, { timeout: 20_000 }).toBeUndefined();
  api.on({}, { kind: "cut-before" });
  api.cut({ path: "watch=true" });
  await expect.poll(daemon.problem).toMatch(/^the nodes are not followed: /);
  api.clear();
  await expect.poll(daemon.problem, { timeout: 20_000 }).toBeUndefined();
  expect(events).toContainEqual({ type: "recovered", what: "follow nodes" });
});

test("a queue that refuses for a minute ends a daemon that has nothing in hand", async () => {
  await using started = await startWorld();
  const { sqs, events, run } = started;
  sqs.on({}, denied);
  sqs.cut();
  await expect.poll(() => events.some(isRefusal), { timeout: 20_000 }).toBe(true);
  setClockAhead(61_000);
  await expect(run).rejects.toThrow(DaemonRefused);
  await expect(run).rejects.toThrow(/AWS refuses: access is denied/);
});

test("with an instance in hand it goes on where the queue refuses", async () => {
  await using started = await startWorld();
  const { world, sqs, daemon, events } = started;
  world.kubernetes.apply({
    ...{ apiVersion: "policy/v1", kind: "PodDisruptionBudget" },
    metadata: { name: "web", namespace: "default" },
    spec: { maxUnavailable: 0, selector: { matchLabels: { app: "web" } } },
  });
  const [action] = world.aws.begin(group, "i-old");
  await world.send(directNotification(action!));
  await expect.poll(() => daemon.rollouts().length, { timeout: 20_000 }).toBe(1);
  sqs.on({}, denied);
  sqs.cut();
  await expect.poll(() => events.some(isRefusal), { timeout: 20_000 }).toBe(true);
  setClockAhead(61_000);
  const before = events.filter(isRefusal).length;
  await expect
    .poll(() => events.filter(isRefusal).length, { timeout: 20_000 })
    .toBeGreaterThan(before);
  expect(daemon.problem()).toBe("the queue does not answer: access is denied");
  sqs.clear();
  await world.send(message);
  await expect.poll(daemon.problem, { timeout: 20_000 }).toBeUndefined();
});

test("a daemon that has stopped asking the queue says that it is stuck", async () => {
  await using started = await startWorld();
  const { daemon } = started;
  await expect.poll(daemon.problem, { timeout: 20_000 }).toBeUndefined();
  expect(daemon.stuck()).toBeUndefined();
  setClockAhead(300_000);
  expect(daemon.stuck()).toBe("the queue is not being asked any more");
});
