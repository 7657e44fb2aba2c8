import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { TesterEvent } from "./events.ts";

/** What Prometheus is told. */
export interface Metrics {
  registry: Registry;
  event(event: TesterEvent): void;
  request(event: { phase: "begin" | "end"; method: string; status?: number }): void;
}

export function createMetrics(waiting: () => { toSend: number; forVerdict: number }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const prefix = "pagerduty_tester_";
  const pages = new Counter({
    name: `${prefix}pages_total`,
    help: "Incidents created",
    registers,
  });
  const verdicts = new Counter({
    name: `${prefix}verdicts_total`,
    help: "Runs by their verdict",
    labelNames: ["verdict"],
    registers,
  });
  const last = new Gauge({
    name: `${prefix}last_verdict_timestamp_seconds`,
    help: "When each person last got each verdict",
    labelNames: ["user", "verdict"],
    registers,
  });
  const responded = new Histogram({
    name: `${prefix}response_seconds`,
    help: "From the incident's creation to the person's answer",
    buckets: [5, 15, 30, 60, 120, 300, 600, 1200],
    registers,
  });
  const requests = new Counter({
    name: `${prefix}api_requests_total`,
    help: "Requests to PagerDuty; status 0 for those without an answer",
    labelNames: ["method", "status"],
    registers,
  });
  const escalations = new Counter({
    name: `${prefix}escalations_total`,
    help: "Escalations by whether the webhook took them",
    labelNames: ["sent"],
    registers,
  });
  new Gauge({
    name: `${prefix}waiting`,
    help: "Pages that wait to be sent, and for their verdict",
    labelNames: ["for"],
    registers,
    collect() {
      const { toSend, forVerdict } = waiting();
      this.set({ for: "sending" }, toSend);
      this.set({ for: "verdict" }, forVerdict);
    },
  });
  return {
    registry,
    event: (event) => {
      if (event.type === "paged" && !event.found) pages.inc();
      if (event.type === "escalated") escalations.inc({ sent: "true" });
      if (event.type === "escalation-failed") escalations.inc({ sent: "false" });
      if (event.type !== "verdict" || event.run.outcome === undefined) return;
      const { verdict, respondedAfterMs } = event.run.outcome;
      verdicts.inc({ verdict });
      last.set({ user: event.run.user.id, verdict }, event.run.scheduledAt.getTime() / 1000);
      if (respondedAfterMs !== undefined) responded.observe(respondedAfterMs / 1000);
    },
    request: ({ phase, method, status }) => {
      if (phase === "end") requests.inc({ method, status: String(status ?? 0) });
    },
  };
}
