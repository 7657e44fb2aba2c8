import { type Account, emailOf, serverTime } from "./account.ts";
import { inMaintenance } from "./incidents.ts";
import type { FakeIncident, FakeLogEntry, FakeService, FakeUser } from "./model.ts";

/** How the account's things look in answers. PagerDuty's times have no fraction of a second. */
const instant = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

const reference = (type: string, id: string) => ({ id, type: `${type}_reference` });

export function incidentView({ subdomain }: Account, incident: FakeIncident): object {
  return {
    id: incident.id,
    type: "incident",
    incident_number: incident.number,
    incident_key: incident.key,
    title: incident.title,
    status: incident.status,
    urgency: incident.urgency,
    created_at: instant(incident.createdAt),
    html_url: `https://${subdomain}.pagerduty.com/incidents/${incident.id}`,
    service: reference("service", incident.serviceId),
    assigned_via: incident.assignees.length > 0 ? "direct_assignment" : "escalation_policy",
    assignments: incident.assignees.map((id) => ({ assignee: reference("user", id) })),
    acknowledgements: incident.acknowledgers.map((id) => ({ acknowledger: reference("user", id) })),
  };
}

/** @param channels whether `include[]=channels` was asked, which shows how a notification went */
export function entryView(entry: FakeLogEntry, channels: boolean): object {
  const { id, type, at, incidentId, agent, channel, userId } = entry;
  return {
    id,
    type,
    created_at: instant(at),
    agent,
    channel: channels ? channel : { type: channel.type },
    incident: reference("incident", incidentId),
    ...(userId === undefined ? {} : { user: reference("user", userId) }),
  };
}

export function userView(user: FakeUser): object {
  return {
    id: user.id,
    type: "user",
    name: user.name ?? user.id,
    email: emailOf(user),
    role: user.role ?? "limited_user",
    invitation_sent: user.invited ?? false,
    contact_methods: contactMethodsView(user),
    notification_rules: notificationRulesView(user),
  };
}

export function contactMethodsView({ id, contactMethods }: FakeUser): object[] {
  const methods = contactMethods ?? [
    { id: `${id}-phone`, type: "phone_contact_method", address: "5550100999" },
    { id: `${id}-push`, type: "push_notification_contact_method", address: "device" },
  ];
  return methods.map((method) => ({ enabled: true, blacklisted: false, ...method }));
}

export function notificationRulesView({ id, notificationRules }: FakeUser): object[] {
  const rules = notificationRules ?? [
    { id: `${id}-rule`, urgency: "high", delayMinutes: 0, contactMethodId: `${id}-phone` },
  ];
  return rules.map((rule) => ({
    id: rule.id,
    type: "assignment_notification_rule",
    urgency: rule.urgency,
    start_delay_in_minutes: rule.delayMinutes,
    contact_method: { id: rule.contactMethodId, type: "contact_method_reference" },
  }));
}

/** Each service has a policy of its own unless it says otherwise. */
export const policyOf = ({ id, escalationPolicy }: FakeService): string =>
  escalationPolicy ?? `${id}EP`;

export const memberView = ({ users }: Account, type: string) => {
  return (id: string): object => ({ ...reference(type, id), summary: users.get(id)?.name ?? id });
};

export function policyView(
  account: Account,
  id: string,
  services: FakeService[],
  members: string[],
): object {
  const targets = members.map((member) =>
    memberView(account, account.schedules.has(member) ? "schedule" : "user")(member),
  );
  return {
    id,
    type: "escalation_policy",
    name: id,
    services: services.map((service) => reference("service", service.id)),
    escalation_rules: [{ id: `${id}-1`, escalation_delay_in_minutes: 30, targets }],
  };
}

export function serviceView(account: Account, service: FakeService): object {
  const status = inMaintenance(account, service.id) ? "maintenance" : (service.status ?? "active");
  return {
    id: service.id,
    type: "service",
    name: service.name ?? service.id,
    status,
    acknowledgement_timeout:
      service.acknowledgementTimeout === undefined ? 1800 : service.acknowledgementTimeout,
    auto_resolve_timeout:
      service.autoResolveTimeout === undefined ? 14_400 : service.autoResolveTimeout,
    incident_urgency_rule: { type: "constant", urgency: service.urgency ?? "high" },
    escalation_policy: reference("escalation_policy", policyOf(service)),
  };
}

export function maintenanceView(account: Account): object[] {
  return account.maintenanceWindows
    .filter(({ end }) => end.getTime() > serverTime(account))
    .map(({ id, serviceIds, start, end }) => ({
      id,
      type: "maintenance_window",
      start_time: start.toISOString(),
      end_time: end.toISOString(),
      services: serviceIds.map((service) => reference("service", service)),
    }));
}
