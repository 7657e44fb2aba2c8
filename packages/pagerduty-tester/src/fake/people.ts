import { type Account, later, log } from "./account.ts";
import type { FakeIncident, FakeUser } from "./model.ts";

const notifier = { id: "PNOTIFY", type: "service_reference" };

/** Notifies everybody an incident is assigned to, each by the person's own high-urgency rules. */
export function pageAssignees(account: Account, incident: FakeIncident): void {
  for (const id of incident.assignees) {
    const user = account.users.get(id);
    if (user === undefined) continue;
    const rules = (user.notificationRules ?? [defaultRule]).filter(
      ({ urgency }) => urgency === incident.urgency,
    );
    rules.forEach(({ delayMinutes }, index) => {
      later(account, delayMinutes * 60, () => notify(account, incident, user, index === 0));
    });
  }
}

const defaultRule = { urgency: "high", delayMinutes: 0 };

function notify(account: Account, incident: FakeIncident, user: FakeUser, first: boolean): void {
  if (incident.status !== "triggered") return;
  const status = user.delivery ?? "success";
  log(account, incident, {
    type: "notify_log_entry",
    agent: notifier,
    channel: {
      type: "auto",
      notification: { type: "phone", address: "+1 555 0100 999", status },
    },
    userId: user.id,
  });
  if (status !== "success") return;
  account.pages.push({
    incidentId: incident.id,
    key: incident.key,
    userId: user.id,
    at: new Date(account.clock.now()),
  });
  if (first) expectAnswer(account, incident, user);
}

function expectAnswer(account: Account, incident: FakeIncident, user: FakeUser): void {
  const {
    after,
    action = "resolve",
    channel = "phone",
    by = user.id,
  } = user.answer ?? { after: 2 };
  if (after === "never") return;
  later(account, after, () => {
    if (incident.status === "resolved") return;
    const agent = { id: by, type: "user_reference" };
    if (action === "resolve") resolve(account, incident, agent, { type: channel });
    else acknowledge(account, incident, agent, { type: channel });
  });
}

type Agent = { id: string; type: string };
type Channel = { type: string } & Record<string, unknown>;

export function acknowledge(
  account: Account,
  incident: FakeIncident,
  agent: Agent,
  channel: Channel,
): void {
  incident.status = "acknowledged";
  incident.acknowledgers.push(agent.id);
  log(account, incident, { type: "acknowledge_log_entry", agent, channel });
  const timeout = account.services.get(incident.serviceId)?.acknowledgementTimeout;
  if (timeout === null) return;
  later(account, timeout ?? 1800, () => {
    if (incident.status !== "acknowledged") return;
    incident.status = "triggered";
    incident.acknowledgers = [];
    log(account, incident, {
      type: "unacknowledge_log_entry",
      agent: { id: incident.serviceId, type: "service_reference" },
      channel: { type: "timeout" },
    });
    pageAssignees(account, incident);
  });
}

export function resolve(
  account: Account,
  incident: FakeIncident,
  agent: Agent,
  channel: Channel,
): void {
  incident.status = "resolved";
  incident.acknowledgers = [];
  incident.assignees = [];
  log(account, incident, { type: "resolve_log_entry", agent, channel });
}
