import { Counter, Gauge, Registry } from "prom-client";
import type { Daemon } from "./daemon.ts";
import type { DaemonEvent } from "./daemon-event.ts";

/** The daemon's figures for Prometheus. */
export function createMetrics({ rollouts, gated }: Pick<Daemon, "rollouts" | "gated">): {
  registry: Registry;
  event(event: DaemonEvent): void;
} {
  const registry = new Registry();
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `node_rollout_${name}`, help, labelNames, registers });
  const messages = counter("messages_total", "Messages received.", ["outcome"]);
  const evictions = counter("evictions_total", "Evictions that were accepted.");
  const completions = counter("completions_total", "Lifecycle actions ended.", ["result"]);
  const ended = counter("rollouts_total", "Instances finished.", ["outcome"]);
  const alarms = counter("alarms_total", "Drains that took longer than drain.timeoutSeconds.");
  const failures = counter("failures_total", "Requests that failed and were tried again.");
  const verdicts = counter("gate_verdicts_total", "New instances let through, or given up.", [
    "result",
  ]);
  new Gauge({
    name: "node_rollout_gated_instances",
    help: "New instances at the readiness gate, by what they wait for.",
    labelNames: ["wait"],
    registers,
    collect() {
      this.reset();
      for (const { wait } of gated()) this.inc({ wait });
    },
  });
  new Gauge({
    name: "node_rollout_instances",
    help: "Instances in hand.",
    labelNames: ["phase"],
    registers,
    collect() {
      this.reset();
      for (const { phase } of rollouts()) this.inc({ phase });
    },
  });
  return {
    registry,
    event(event) {
      if (event.type === "message") messages.inc({ outcome: event.outcome });
      if (event.type === "progress" && event.progress.type === "evicted") evictions.inc();
      if (event.type === "completed") completions.inc({ result: event.result });
      if (event.type === "gate" && (event.step === "untainted" || event.step === "bad")) {
        verdicts.inc({ result: event.step === "bad" ? "given-up" : "ready" });
      }
      if (event.type === "ended") ended.inc({ outcome: event.outcome });
      if (event.type === "alarm") alarms.inc();
      if (event.type === "failed") failures.inc();
    },
  };
}
