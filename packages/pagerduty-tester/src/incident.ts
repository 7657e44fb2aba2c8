import type { PagerDutyClient } from "./client.ts";
import type { Incident } from "./model.ts";

/** Keys of our incidents begin so; nothing else is ever cleaned up. */
export const keyPrefix = "pagerduty-tester:";

/**
 * The `incident_key` of a scheduled run: made of the schedule's instant and never of the clock, so that every
 * replica and every retry says the same.
 */
export function incidentKey(userId: string, scheduledAt: Date): string {
  // Minutes; with seconds only for a schedule that has them.
  const instant = scheduledAt.toISOString().replace(/(:00)?\.\d+Z$/, "Z");
  return `${keyPrefix}${userId}:${instant}`;
}

/** The key of a page somebody asked for by hand, which no scheduled run shares. */
export function manualKey(userId: string, at: Date): string {
  return `${keyPrefix}${userId}:by-hand:${at.toISOString()}`;
}

/** Whom an incident with this key was for; undefined when the key is not ours. */
export function userOfKey(key: string): string | undefined {
  return key.startsWith(keyPrefix) ? key.slice(keyPrefix.length).split(":")[0] : undefined;
}

export function isManual(key: string): boolean {
  return key.includes(":by-hand:");
}

export function incidentTitle(name: string): string {
  return `Pagerduty Tester: Incident for ${name}, press resolve`;
}

/** Where people look at an incident. */
export function incidentUrl(incident: Incident, subdomain: string | undefined): string {
  if (subdomain !== undefined) return `https://${subdomain}.pagerduty.com/incidents/${incident.id}`;
  return incident.html_url ?? `https://app.pagerduty.com/incidents/${incident.id}`;
}

/**
 * Pages one person by one high-urgency incident. The request is sent once; whether one that failed was
 * accepted nevertheless is for the caller to find out, by the error's `outcome` and the key.
 *
 * @param options.key makes a second request for an incident that is still open fail. Default: the key of
 *   `scheduledAt`
 * @throws PagerDutyError
 */
export function createTestIncident(
  client: PagerDutyClient,
  options: {
    user: { id: string; name: string };
    serviceId: string;
    scheduledAt: Date;
    key?: string;
    signal?: AbortSignal;
  },
): Promise<Incident> {
  const { user, serviceId, scheduledAt, key = incidentKey(user.id, scheduledAt), signal } = options;
  return client.createIncident(
    {
      title: incidentTitle(user.name),
      serviceId,
      userId: user.id,
      key,
      details:
        "This is a test of your on-call notifications. Acknowledge or resolve it; there is nothing else to do.",
    },
    signal,
  );
}
