import type { Log } from "@internal/lib/log";
import { obstacles, reasonsOf } from "../wait.ts";
import type { DaemonEvent } from "./event.ts";

/** A failure that has not been met for so long is over; its next time is news. */
const overMs = 300_000;

/**
 * Writes what happens; a failure that repeats is written once until it changes or is over.
 *
 * @param now milliseconds
 */
export function logEvents(log: Log, now: () => number = Date.now): (event: DaemonEvent) => void {
  const failures = new Map<string, { kind: string; at: number }>();
  return (event) => {
    switch (event.type) {
      case "failed": {
        const { what } = event;
        const message = event.error instanceof Error ? event.error.message : String(event.error);
        const kind = isUnreachable(event.error) ? "unreachable" : message;
        for (const [key, { at }] of failures) if (now() - at > overMs) failures.delete(key);
        const isKnown = failures.get(what)?.kind === kind;
        failures.set(what, { kind, at: now() });
        if (isKnown) return;
        return log.warning(`${what}: ${message}; trying again`, { what });
      }
      case "recovered":
        failures.delete(event.what);
        log.info(`${event.what}: works again`, { what: event.what });
        break;
      case "message": {
        const { outcome, reason, id } = event;
        const left = ["foreign", "launching", "malformed"].includes(outcome);
        const text = `message ${outcome}: ${reason}`;
        if (left) log.warning(`${text}; left in the queue`, { id, outcome });
        else log.info(text, { id, outcome });
        break;
      }
      case "begun":
        log.info(`draining ${event.node}`, event);
        break;
      case "progress":
        logProgress(log, event);
        break;
      case "alarm":
        log.warning(`draining ${event.node} takes longer than it should`, event);
        break;
      case "waiting":
        for (const { code, object, message } of event.waits) {
          const isNews = code === "other-replica" || code === "unknown-node";
          if (isNews) log.info(`${event.instanceId} waits for ${object}: ${message}`, event);
        }
        break;
      case "heartbeat":
        log.info(`heartbeat of ${event.hook}: ${event.state}`, event);
        break;
      case "completed":
        log.info(`${event.hook} of ${event.asg}: ${resultText[event.result]}`, event);
        break;
      case "gate":
        logGate(log, event);
        break;
      case "answered": {
        const { hook, asg, answer, result } = event;
        const what = result === "gone" ? "was over already" : `answered ${answer}`;
        log.info(`launch hook ${hook} of ${asg}: ${what}`, event);
        break;
      }
      case "signalled": {
        const { status, resource, stack, instanceId } = event;
        log.info(`signalled ${status} for ${instanceId} to ${resource} of ${stack}`, event);
        break;
      }
      case "ended":
        log.info(`${event.instanceId}: ${event.outcome}`, event);
        break;
    }
  };
}

const resultText = { completed: "completed with CONTINUE", gone: "was over already" };

const gateText = {
  gated: "is behind the startup taint until it is ready",
  waiting: "waits",
  "tainted-again": "has booted again: back behind the startup taint",
  good: "is ready; told whoever waits for it",
  bad: "was not ready in time; told whoever waits for it",
  untainted: "is ready and takes pods",
};

function logGate(log: Log, event: Extract<DaemonEvent, { type: "gate" }>): void {
  const { instanceId, node = instanceId, step, message } = event;
  const text = `${node} ${gateText[step]}${message === undefined ? "" : `: ${message}`}`;
  if (step === "bad") log.warning(text, event);
  else log.info(text, event);
}

function logProgress(log: Log, event: Extract<DaemonEvent, { type: "progress" }>): void {
  const { instanceId, node, progress } = event;
  const fields = { instanceId, node };
  switch (progress.type) {
    case "cordoned":
      log.info(`cordoned ${node}`, fields);
      break;
    case "evicted":
    case "forced":
    case "gone":
      log.info(`${progress.type} ${progress.pod.namespace}/${progress.pod.name}`, fields);
      break;
    case "waiting":
      for (const text of reasonsOf(obstacles(progress.waits)))
        log.info(`waiting for ${text}`, fields);
      return;
    case "drained":
      log.info(`drained ${node}`, { ...fields, durationMs: progress.durationMs });
      break;
    default:
      log.debug(progress.type, fields);
      break;
  }
}

/** By the codes of Node's network errors: one broken connection has many words, and is one piece of news. */
function isUnreachable(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" && /^E[A-Z_]+$/.test(code);
}
