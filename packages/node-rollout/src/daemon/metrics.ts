import { Counter, Gauge, Registry } from "prom-client";
import { isApiError } from "../kubernetes/kubernetes.ts";
import type { Daemon, RolloutView } from "./daemon.ts";
import type { DaemonEvent } from "./event.ts";

/** The daemon's figures for Prometheus. */
export interface DaemonMetrics {
  registry: Registry;
  event(event: DaemonEvent): void;
}

/** @param now the clock, in milliseconds */
export function createMetrics(
  daemon: Pick<Daemon, "rollouts" | "gated">,
  now: () => number = Date.now,
): DaemonMetrics {
  const registry = new Registry();
  registerGauges(registry, daemon, now);
  const phases = createPhaseClock(registry, daemon.rollouts, now);
  const count = createCounters(registry);
  return {
    registry,
    event(event) {
      phases();
      count(event);
    },
  };
}

function registerGauges(
  registry: Registry,
  { rollouts, gated }: Pick<Daemon, "rollouts" | "gated">,
  now: () => number,
): void {
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    collect: (this: Gauge) => void,
  ) =>
    new Gauge({
      name: `node_rollout_${name}`,
      ...{ help, labelNames, registers: [registry] },
      collect() {
        this.reset();
        collect.call(this);
      },
    });
  gauge("instances", "Instances that this replica acts for.", ["phase"], function () {
    for (const { phase } of rollouts()) if (phase !== "standby") this.inc({ phase });
  });
  gauge(
    "standby_instances",
    "Instances that another replica drains; this one sends heartbeats, and takes over.",
    [],
    function () {
      this.set(rollouts().filter(({ phase }) => phase === "standby").length);
    },
  );
  gauge("waits", "What instances in hand wait for.", ["code"], function () {
    for (const { code } of rollouts().flatMap(({ waits }) => waits)) this.inc({ code });
  });
  gauge(
    "blocked_by_budget",
    "Instances that wait for a PodDisruptionBudget, NAMESPACE/NAME.",
    ["budget"],
    function () {
      for (const view of rollouts()) for (const budget of budgetsOf(view)) this.inc({ budget });
    },
  );
  gauge(
    "heartbeat_age_seconds",
    "Since the oldest last heartbeat of an action in hand was accepted.",
    [],
    function () {
      const accepted = rollouts().flatMap(({ heartbeatAt }) => heartbeatAt ?? []);
      if (accepted.length > 0) this.set((now() - Math.min(...accepted)) / 1000);
    },
  );
  gauge(
    "gated_instances",
    "New instances at the readiness gate, by what they wait for. Every replica sees all of them.",
    ["wait"],
    function () {
      for (const { wait } of gated()) this.inc({ wait });
    },
  );
}

function budgetsOf({ waits }: RolloutView): Set<string> {
  const budgets = waits.filter(({ code }) => code === "budget");
  return new Set(budgets.map(({ object }) => object.replace("PodDisruptionBudget ", "")));
}

/** Looking at a thousand instances at each of their events would be the daemon's main work. */
const lookEveryMs = 1000;

/** Adds up the time that instances spend in each phase: the time since the last look, at events and scrapes. */
function createPhaseClock(
  registry: Registry,
  rollouts: Daemon["rollouts"],
  now: () => number,
): () => void {
  let looked = Number.NEGATIVE_INFINITY;
  let phases: string[] = [];
  const look = () => {
    const seconds = (now() - looked) / 1000;
    for (const phase of phases) spent.inc({ phase }, seconds);
    looked = now();
    phases = rollouts().map(({ phase }) => phase);
  };
  const spent = new Counter({
    name: "node_rollout_phase_seconds_total",
    help: "Time that instances spent in each phase.",
    labelNames: ["phase"],
    registers: [registry],
    collect: look,
  });
  return () => {
    if (now() - looked >= lookEveryMs) look();
  };
}

function createCounters(registry: Registry): (event: DaemonEvent) => void {
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `node_rollout_${name}`, help, labelNames, registers: [registry] });
  const messages = counter("messages_total", "Messages received.", ["outcome"]);
  const evictions = counter("evictions_total", "Evictions that were accepted.");
  const forced = counter("forced_total", "Pods that were deleted at the deadline.");
  const refusals = counter("evictions_refused_total", "Evictions that were not accepted.", ["why"]);
  const completions = counter("completions_total", "Lifecycle actions ended.", ["result"]);
  const ended = counter("rollouts_total", "Instances finished.", ["outcome"]);
  const alarms = counter("alarms_total", "Drains that took longer than drain.timeoutSeconds.");
  const failures = counter("failures_total", "Requests that failed and were tried again.");
  const missed = counter(
    "heartbeats_missed_total",
    "Heartbeats that failed; an action outlives two in a row.",
  );
  const throttles = counter("throttles_total", "Requests that were refused for their rate.", [
    "by",
  ]);
  const verdicts = counter("gate_verdicts_total", "New instances let through, or given up.", [
    "result",
  ]);
  const progress = (event: Extract<DaemonEvent, { type: "progress" }>["progress"]) => {
    if (event.type === "evicted") evictions.inc();
    if (event.type === "forced") forced.inc();
    if (event.type === "refused") refusals.inc({ why: event.outcome.kind });
    if (event.type === "failed") failed("", event.error);
  };
  const failed = (what: string, error: unknown) => {
    failures.inc();
    if (what.startsWith("heartbeat")) missed.inc();
    const by = throttledBy(error);
    if (by !== undefined) throttles.inc({ by });
  };
  return (event) => {
    switch (event.type) {
      case "message":
        return messages.inc({ outcome: event.outcome });
      case "progress":
        return progress(event.progress);
      case "completed":
        return completions.inc({ result: event.result });
      case "gate":
        if (event.step === "untainted") verdicts.inc({ result: "ready" });
        if (event.step === "bad") verdicts.inc({ result: "given-up" });
        return;
      case "ended":
        return ended.inc({ outcome: event.outcome });
      case "alarm":
        return alarms.inc();
      case "failed":
        return failed(event.what, event.error);
    }
  };
}

/** The SDK has tried several times before it gives such an error up. */
function throttledBy(error: unknown): "kubernetes" | "aws" | undefined {
  if (isApiError(error, 429)) return "kubernetes";
  const { name } = (error ?? {}) as { name?: string };
  return /^(Throttling|ThrottlingException|RequestLimitExceeded|TooManyRequestsException)$/.test(
    name ?? "",
  )
    ? "aws"
    : undefined;
}
