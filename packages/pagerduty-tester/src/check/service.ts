import type { EscalationPolicy } from "../client.ts";
import { keyPrefix } from "../incident.ts";
import type { Incident, MaintenanceWindow, Service } from "../model.ts";
import { type CheckFinding, error, ok, warning } from "./finding.ts";

/** What would keep a service from paging, now or at the coming sends. Pure. */
export function checkService(
  service: Service,
  windows: readonly MaintenanceWindow[],
  sends: readonly Date[],
  verifyMs: number,
): CheckFinding[] {
  const subject = `service ${service.name ?? service.id} (${service.id})`;
  const found: CheckFinding[] = [];
  if (service.status === "disabled") found.push(error(subject, "is disabled"));
  if (service.status === "maintenance") found.push(warning(subject, "is in maintenance now"));
  for (const { start_time, end_time } of windows) {
    const covered = sends.filter(
      (at) => at.getTime() >= Date.parse(start_time) && at.getTime() < Date.parse(end_time),
    );
    if (covered.length === 0) continue;
    const times = `from ${start_time} to ${end_time}`;
    found.push(
      error(subject, `is in maintenance ${times}, when ${covered.length} coming pages fall`),
    );
  }
  const { acknowledgement_timeout: acknowledge, auto_resolve_timeout: resolve } = service;
  if (acknowledge != null && acknowledge * 1000 < verifyMs) {
    found.push(
      warning(
        subject,
        `pages again ${acknowledge} s after an acknowledgement, while the test goes on`,
      ),
    );
  }
  if (resolve != null && resolve * 1000 < verifyMs) {
    found.push(error(subject, `resolves incidents after ${resolve} s, before the test has ended`));
  }
  return found.length === 0 ? [ok(subject, "takes incidents")] : found;
}

/** Whether "escalate" on the phone harms nobody: the test service needs a policy that no other service has. Pure. */
export function checkPolicy(serviceId: string, policy: EscalationPolicy): CheckFinding[] {
  const subject = `escalation policy ${policy.name} (${policy.id})`;
  const others = policy.serviceIds.filter((id) => id !== serviceId);
  if (others.length === 0) return [ok(subject, `is of service ${serviceId} alone`)];
  return [
    warning(
      subject,
      `is also of ${others.join(", ")}; whoever presses "escalate" in a test pages their people: give service ${serviceId} one of its own`,
    ),
  ];
}

/** Open incidents that phones bundle with a test, so that one key resolves both. Pure. */
export function checkOpen(serviceId: string, open: readonly Incident[]): CheckFinding[] {
  const foreign = open.filter((incident) => !incident.incident_key?.startsWith(keyPrefix));
  if (foreign.length === 0) return [];
  const ids = foreign.slice(0, 3).map((incident) => incident.id);
  return [
    warning(
      `service ${serviceId}`,
      `has ${foreign.length} open incidents that are no tests (${ids.join(", ")}); use a service that takes nothing else`,
    ),
  ];
}
