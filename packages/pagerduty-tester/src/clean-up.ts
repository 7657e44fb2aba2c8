import type { PagerDutyClient } from "./client.ts";
import { type Config, longestVerifyMs } from "./config.ts";
import { isManual, userOfKey } from "./incident.ts";

/**
 * Resolves incidents that an earlier tester left open on our services: those whose key is ours, of our people, and
 * that no run of the journal goes on with. Nobody else's are touched, nor those of another tester with other people,
 * and none that somebody asked for by hand and that may still be waited for.
 *
 * @returns what was resolved
 * @throws PagerDutyError when PagerDuty cannot be asked
 */
export async function cleanUp(
  client: PagerDutyClient,
  config: Config,
  options: { keep: ReadonlySet<string>; now: number; signal: AbortSignal },
): Promise<{ id: string; key: string }[]> {
  const { keep, now, signal } = options;
  const serviceIds = [...new Set(config.users.flatMap(({ service }) => service ?? []))];
  const statuses = ["triggered", "acknowledged"] as const;
  const open = await client.listIncidents({ serviceIds, statuses: [...statuses] }, signal);
  const ours = new Set(config.users.map((user) => user.id));
  const cleaned: { id: string; key: string }[] = [];
  for (const { id, incident_key: key, created_at } of open) {
    const userId = userOfKey(key ?? "") ?? "";
    if (key == null || keep.has(key) || !ours.has(userId)) continue;
    const age = now - Date.parse(created_at ?? "");
    if (isManual(key) && age <= longestVerifyMs(config, userId)) continue;
    await client.resolveIncident(id, "pagerduty-tester: left over", signal);
    cleaned.push({ id, key });
  }
  return cleaned;
}
