import { setTimeout as delay } from "node:timers/promises";
import type { Member, PagerDutyClient } from "../client.ts";
import type { Config } from "../config.ts";
import { findCreators } from "../creators.ts";
import { backoffMs } from "../decide.ts";
import { PagerDutyError } from "../errors.ts";
import { type Prediction, predictSends } from "../predict.ts";
import { scheduleWarnings } from "../schedule/warnings.ts";
import { type CheckFinding, error, ok, warning } from "./finding.ts";
import { checkOpen, checkPolicy, checkService } from "./service.ts";
import { checkUser } from "./user.ts";

export interface CheckReport {
  findings: CheckFinding[];
  sends: Prediction[];
  /** The release of the time zone data that the times rest on. */
  timeZoneData: string;
}

/** A wait for PagerDuty's limit when it does not say how long. */
const limitedMs = 60_000;

/** How many coming runs of each person are looked at. */
const runsShown = 3;

/**
 * Looks at everything that would make a test fail for a reason of its own, and sends nothing.
 *
 * @throws PagerDutyError when PagerDuty cannot be reached or does not know the token
 */
export async function checkAccount(
  config: Config,
  client: PagerDutyClient,
  from: string,
  now: Date,
  signal: AbortSignal,
): Promise<CheckReport> {
  const creators = await findCreators(client, from, signal);
  const sends = predictSends(config.users, now, config.ratePerMinute, runsShown);
  return {
    findings: [
      ok("api", `${config.apiUrl} knows the token`),
      ...checkSender(from, creators),
      ...checkSchedules(config, sends, now),
      ...(await checkServices(config, client, sends, signal)),
      ...(await checkUsers(config, client, creators, signal)),
      ...(await checkRoster(config, client, signal)),
    ],
    sends,
    timeZoneData: process.versions["tz"] ?? "unknown",
  };
}

function checkSender(from: string, creators: readonly string[]): CheckFinding[] {
  if (creators.length > 0) return [ok("from", `${from} is a user of the account`)];
  return [
    warning(
      "from",
      `${from} was not found among the account's users (or the token lacks users.read); PagerDuty refuses incidents of a stranger`,
    ),
  ];
}

function checkSchedules(config: Config, sends: readonly Prediction[], now: Date): CheckFinding[] {
  return [
    ...config.users.flatMap((user, index) =>
      scheduleWarnings(user.schedule, now).map((text) =>
        warning(config.placeOfUser(index, "cron"), `${user.name}: ${text}`),
      ),
    ),
    ...sends.flatMap(({ user, scheduledAt, problem }) => {
      const run = scheduledAt.toISOString().replace(".000Z", "Z");
      return problem === undefined
        ? []
        : [error(`${user.name} (${user.id})`, `the page of ${run} ${problem}`)];
    }),
  ];
}

async function checkServices(
  config: Config,
  client: PagerDutyClient,
  sends: readonly Prediction[],
  signal: AbortSignal,
): Promise<CheckFinding[]> {
  const found: CheckFinding[] = [];
  const ids = new Set(config.users.flatMap(({ service }) => service ?? []));
  for (const id of ids) {
    const coming = sends.filter(({ user }) => user.service === id).map(({ sendAt }) => sendAt);
    found.push(
      ...(await looking(`service ${id}`, signal, async () => {
        const service = await client.getService(id, signal);
        const windows = await client.listMaintenanceWindows(id, signal);
        const policyId = service.escalation_policy?.id;
        return [
          ...checkService(service, windows, coming, config.verifyMs),
          ...(policyId === undefined ? [] : await policyFindings(id, policyId, client, signal)),
        ];
      })),
      // Without these a test can neither be sent safely nor judged.
      ...(await looking(`incidents of service ${id}`, signal, async () => {
        const statuses = ["triggered", "acknowledged"] as const;
        return checkOpen(
          id,
          await client.listIncidents({ serviceIds: [id], statuses: [...statuses] }, signal),
        );
      })),
    );
  }
  return found;
}

/** A token that may not see the policy can page all the same. */
async function policyFindings(
  serviceId: string,
  policyId: string,
  client: PagerDutyClient,
  signal: AbortSignal,
): Promise<CheckFinding[]> {
  try {
    return checkPolicy(serviceId, await client.getEscalationPolicy(policyId, signal));
  } catch (thrown) {
    const refused = thrown instanceof PagerDutyError && thrown.outcome === "refused";
    if (!refused || thrown.rateLimited) throw thrown;
    const reason = "cannot be seen (escalation_policies.read); see that no other service has it";
    return [warning(`escalation policy ${policyId}`, reason)];
  }
}

async function checkUsers(
  config: Config,
  client: PagerDutyClient,
  creators: readonly string[],
  signal: AbortSignal,
): Promise<CheckFinding[]> {
  const found: CheckFinding[] = [];
  const once = new Map(config.users.map((user) => [user.id, user]));
  for (const user of once.values()) {
    found.push(
      ...(await looking(`${user.name} (${user.id})`, signal, async () =>
        checkUser(user, await client.getUser(user.id, signal), creators),
      )),
    );
  }
  return found;
}

async function checkRoster(
  { roster, users }: Config,
  client: PagerDutyClient,
  signal: AbortSignal,
): Promise<CheckFinding[]> {
  const listed = new Set(users.map(({ id }) => id));
  const sources = [
    ...roster.teams.map((id) => ({
      name: `team ${id}`,
      get: () => client.listTeamMembers(id, signal),
    })),
    ...roster.escalationPolicies.map((id) => ({
      name: `escalation policy ${id}`,
      get: () => policyMembers(id, client, signal),
    })),
  ];
  const found: CheckFinding[] = [];
  for (const { name, get } of sources) {
    found.push(
      ...(await looking(name, signal, async () => {
        const missing = (await get()).filter(({ id }) => !listed.has(id));
        if (missing.length === 0) return [ok(name, "everybody in it is tested")];
        return missing.map((member) => error(name, `${member.name} (${member.id}) is not tested`));
      })),
    );
  }
  return found;
}

async function policyMembers(
  id: string,
  client: PagerDutyClient,
  signal: AbortSignal,
): Promise<Member[]> {
  const { users, scheduleIds } = await client.getEscalationPolicy(id, signal);
  const members = new Map(users.map((user) => [user.id, user]));
  for (const schedule of scheduleIds) {
    for (const user of await client.listScheduleUsers(schedule, signal)) members.set(user.id, user);
  }
  return [...members.values()];
}

/**
 * What PagerDuty refuses to show is a finding; an unknown token is the end. A limit that a thousand people reach
 * is waited for.
 */
async function looking(
  subject: string,
  signal: AbortSignal,
  look: () => Promise<CheckFinding[]>,
): Promise<CheckFinding[]> {
  try {
    return await look();
  } catch (thrown) {
    if (!(thrown instanceof PagerDutyError) || thrown.outcome !== "refused") throw thrown;
    if (thrown.rateLimited) {
      await delay(backoffMs(0, thrown.retryAfterMs ?? limitedMs), undefined, { signal });
      return looking(subject, signal, look);
    }
    if (thrown.status === 401) throw thrown;
    const problem = thrown.status === 404 ? "PagerDuty knows no such thing" : thrown.message;
    return [error(subject, problem)];
  }
}
