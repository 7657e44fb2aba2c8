import { expect, test } from "vitest";
import type { RolloutView } from "../src/daemon/daemon.ts";
import type { DaemonEvent } from "../src/daemon/event.ts";
import { createMetrics } from "../src/daemon/metrics.ts";
import { ApiError } from "../src/kubernetes/kubernetes.ts";

const pod = { namespace: "shop", name: "web-1", uid: "u" };

/** Metrics over a daemon with these instances, and a clock that is set by hand. */
function setUp(views: RolloutView[]) {
  const clock = { now: 100_000 };
  const daemon = { rollouts: () => views, gated: () => [{ instanceId: "i-9", wait: "not ready" }] };
  const { registry, event } = createMetrics(daemon, () => clock.now);
  const lines = async () =>
    (await registry.metrics()).split("\n").filter((line) => !line.startsWith("#") && line !== "");
  return { clock, event, lines };
}

const waiting: RolloutView = {
  ...{ instanceId: "i-1", node: "n", phase: "draining", heartbeatAt: 90_000 },
  waits: [
    {
      code: "budget",
      object: "PodDisruptionBudget shop/web",
      message: "allows 0",
      since: new Date(0),
    },
  ],
};

test("an instance that another replica drains is none of ours: a sum over replicas counts it once", async () => {
  const { lines } = setUp([{ instanceId: "i-1", phase: "standby", waits: [] }]);
  expect((await lines()).filter((line) => line.startsWith("node_rollout_instances"))).toEqual([]);
  expect(await lines()).toContain("node_rollout_standby_instances 1");
});

test("gauges tell phases, waits, full budgets and the age of heartbeats", async () => {
  const { lines } = setUp([waiting, { instanceId: "i-2", phase: "finding", waits: [] }]);
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'node_rollout_instances{phase="draining"} 1',
      'node_rollout_instances{phase="finding"} 1',
      'node_rollout_waits{code="budget"} 1',
      'node_rollout_blocked_by_budget{budget="shop/web"} 1',
      "node_rollout_heartbeat_age_seconds 10",
      'node_rollout_gated_instances{wait="not ready"} 1',
    ]),
  );
});

test("the seconds of each phase add up, from event to event and scrape to scrape", async () => {
  const views = [waiting];
  const { clock, event, lines } = setUp(views);
  event({ type: "begun", instanceId: "i-1", node: "n" });
  clock.now += 3000;
  expect(await lines()).toContain('node_rollout_phase_seconds_total{phase="draining"} 3');
  clock.now += 4000;
  views.pop();
  event({ type: "ended", instanceId: "i-1", outcome: "drained", durationMs: 7000 });
  clock.now += 60_000;
  const seen = await lines();
  expect(seen).toContain('node_rollout_phase_seconds_total{phase="draining"} 7');
  expect(seen).toContain('node_rollout_rollouts_total{outcome="drained"} 1');
});

test("counters tell evictions, refusals, missed heartbeats and throttles apart", async () => {
  const { event, lines } = setUp([]);
  const progress = (progress: Extract<DaemonEvent, { type: "progress" }>["progress"]) =>
    event({ type: "progress", instanceId: "i-1", node: "n", progress });
  const throttling = Object.assign(new Error("Rate exceeded"), { name: "Throttling" });
  progress({ type: "evicted", pod });
  progress({ type: "refused", pod, outcome: { kind: "later", message: "would violate" } });
  progress({ type: "failed", error: new ApiError(429, {}) });
  event({ type: "failed", what: "heartbeat of drain", error: throttling });
  event({ type: "alarm", instanceId: "i-1", node: "n" });
  expect(await lines()).toEqual(
    expect.arrayContaining([
      "node_rollout_evictions_total 1",
      'node_rollout_evictions_refused_total{why="later"} 1',
      "node_rollout_failures_total 2",
      "node_rollout_heartbeats_missed_total 1",
      'node_rollout_throttles_total{by="kubernetes"} 1',
      'node_rollout_throttles_total{by="aws"} 1',
      "node_rollout_alarms_total 1",
    ]),
  );
});
