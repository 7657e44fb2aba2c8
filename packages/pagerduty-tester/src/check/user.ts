import type { TestedUser } from "../config.ts";
import type { User } from "../model.ts";
import { type CheckFinding, error, ok, warning } from "./finding.ts";

/** What would keep a page from a person, from how PagerDuty has them set up. Pure. */
export function checkUser(
  tested: Pick<TestedUser, "id" | "name" | "verifyMs">,
  user: User,
  creatorIds: readonly string[],
): CheckFinding[] {
  const subject = `${tested.name} (${tested.id})`;
  const found = [
    ...checkRole(subject, user),
    ...checkSelf(subject, user, creatorIds),
    ...checkContacts(subject, user),
    ...checkRules(subject, user, tested.verifyMs),
  ];
  return found.length === 0 ? [ok(subject, "can be paged")] : found;
}

const stakeholders = ["read_only_user", "read_only_limited_user"];

function checkRole(subject: string, { role, invitation_sent }: User): CheckFinding[] {
  const found: CheckFinding[] = [];
  if (stakeholders.includes(role ?? "")) {
    found.push(error(subject, `has the role ${role}, which cannot acknowledge`));
  }
  if (invitation_sent) found.push(warning(subject, "has not accepted the invitation yet"));
  return found;
}

function checkSelf(subject: string, { id }: User, creatorIds: readonly string[]): CheckFinding[] {
  if (!creatorIds.includes(id)) return [];
  return [
    error(
      subject,
      "is who incidents are created as, and PagerDuty pages nobody for those; set another from, or token",
    ),
  ];
}

function reachable({ contact_methods }: User) {
  return (contact_methods ?? []).filter(
    ({ enabled, blacklisted }) => enabled !== false && blacklisted !== true,
  );
}

function checkContacts(subject: string, user: User): CheckFinding[] {
  if (user.contact_methods == null) {
    return [
      warning(
        subject,
        "contact methods cannot be seen; the token lacks users:contact_methods.read",
      ),
    ];
  }
  const blocked = user.contact_methods.filter(({ blacklisted }) => blacklisted === true);
  const found = blocked.map(({ type }) => warning(subject, `${type} is blocked at the carrier`));
  const usable = reachable(user);
  if (usable.length === 0) return [...found, error(subject, "has no usable contact method")];
  if (usable.every(({ type }) => type?.startsWith("email"))) {
    found.push(
      warning(subject, "can be reached by email alone, which no do-not-disturb lets ring"),
    );
  }
  return found;
}

function checkRules(subject: string, user: User, verifyMs: number): CheckFinding[] {
  if (user.notification_rules == null) return [];
  const usable = new Set(reachable(user).map(({ id }) => id));
  const rules = user.notification_rules.filter(
    ({ urgency, contact_method }) =>
      urgency === "high" && (contact_method == null || usable.has(contact_method.id)),
  );
  const delays = rules.map(({ start_delay_in_minutes }) => start_delay_in_minutes ?? 0);
  if (delays.length === 0)
    return [error(subject, "has no high-urgency notification rule that works")];
  const first = Math.min(...delays);
  if (first === 0) return [];
  const message = `is first notified ${first} min after the page`;
  return first * 60_000 >= verifyMs
    ? [error(subject, `${message}, after the test has ended; raise verifyMinutes`)]
    : [warning(subject, `${message}; a rule without delay is missing`)];
}
