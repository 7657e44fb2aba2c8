import type { Run } from "./run.ts";

/** The JSON an escalation's webhook gets. */
export interface EscalationMessage {
  /** One sentence, under the name that chat webhooks show. */
  text: string;
  key: string;
  user: { id: string; name: string };
  scheduledAt: string;
  verdict: string;
  incident?: { id: string; url: string };
}

export function escalationMessage({
  key,
  user,
  scheduledAt,
  outcome,
  incident,
}: Run): EscalationMessage {
  const at = scheduledAt.toISOString();
  const where = incident === undefined ? "" : `: ${incident.url}`;
  return {
    text: `Test page to ${user.name} at ${at}: ${outcome?.verdict ?? "unknown"}${where}`,
    key,
    user,
    scheduledAt: at,
    verdict: outcome?.verdict ?? "unknown",
    ...(incident === undefined ? {} : { incident: { id: incident.id, url: incident.url } }),
  };
}

/**
 * Tells the webhook, once.
 *
 * @returns a sentence when it did not take the message; it never holds the webhook's address, which is a secret
 */
export async function postEscalation(webhook: string, run: Run): Promise<string | undefined> {
  const { default: got } = await import("got");
  try {
    const { statusCode } = await got.post(webhook, {
      json: escalationMessage(run),
      // Lets a receiver that keeps keys see what it has seen.
      headers: { "idempotency-key": run.key },
      retry: { limit: 0 },
      followRedirect: false,
      throwHttpErrors: false,
      timeout: { request: 10_000 },
    });
    return statusCode < 300 ? undefined : `the webhook answered with status ${statusCode}`;
  } catch (error) {
    return `the webhook could not be reached (${(error as NodeJS.ErrnoException).code})`;
  }
}
