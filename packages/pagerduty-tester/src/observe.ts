import type { Log } from "@internal/lib/log";
import type { TesterEvent } from "./events.ts";
import type { Run } from "./run.ts";

/** Writes an event into a daemon's log. */
export function logEvent(log: Log, event: TesterEvent): void {
  switch (event.type) {
    case "paged":
      log.info(event.found ? "found the page sent before" : "paged", {
        ...runFields(event.run),
        url: event.run.incident?.url,
      });
      break;
    case "retry":
      log.warning("will try again", {
        ...runFields(event.run),
        reason: event.reason,
        inSeconds: event.inMs / 1000,
      });
      break;
    case "verdict":
      log.info("verdict", { ...runFields(event.run), ...event.run.outcome });
      break;
    case "escalated":
      log.info("escalated", runFields(event.run));
      break;
    case "escalation-failed":
      log.error("could not escalate", { ...runFields(event.run), reason: event.reason });
      break;
    case "cleaned-up":
      log.info("resolved what an earlier process left open", {
        incident: event.incidentId,
        key: event.key,
      });
      break;
    case "trouble":
      log.error(event.reason);
      break;
  }
}

function runFields({ user, key, scheduledAt, incident }: Run): Record<string, unknown> {
  return {
    user: user.id,
    name: user.name,
    key,
    scheduledAt: scheduledAt.toISOString(),
    ...(incident === undefined ? {} : { incident: incident.id }),
  };
}
