import type { Clock } from "../clock.ts";
import {
  defaultSwitches,
  type FakeIncident,
  type FakeLogEntry,
  type FakeMaintenanceWindow,
  type FakePage,
  type FakeService,
  type FakeSwitches,
  type FakeUser,
} from "./model.ts";

/** The state of a fake account, and the few questions everything asks it. */
export interface Account {
  clock: Clock;
  subdomain: string;
  /** The one token that is let in, or undefined for any. */
  token?: string;
  tokenUserId?: string;
  users: Map<string, FakeUser>;
  services: Map<string, FakeService>;
  teams: Map<string, string[]>;
  escalationPolicies: Map<string, string[]>;
  schedules: Map<string, string[]>;
  maintenanceWindows: FakeMaintenanceWindow[];
  incidents: FakeIncident[];
  pages: FakePage[];
  switches: FakeSwitches;
  /** Ends what people and time-outs were about to do. */
  ended: AbortController;
  nextId(prefix: string): string;
}

export interface AccountOptions {
  users?: FakeUser[];
  services?: FakeService[];
  /** Members of each team, by the team's id. */
  teams?: Record<string, string[]>;
  /** The people and schedules on each escalation policy, by its id. */
  escalationPolicies?: Record<string, string[]>;
  /** The people on each schedule, by its id. */
  schedules?: Record<string, string[]>;
  maintenanceWindows?: FakeMaintenanceWindow[];
  switches?: Partial<FakeSwitches>;
  token?: string;
  /** The user whose own token it is; it is an account's else, and From says who asks. */
  tokenUserId?: string;
  /** @default "fake" */
  subdomain?: string;
}

export function openAccount(clock: Clock, options: AccountOptions): Account {
  const { users, services, teams = {}, escalationPolicies = {}, schedules = {} } = options;
  const { token, tokenUserId } = options;
  let lastId = 0;
  return {
    clock,
    subdomain: options.subdomain ?? "fake",
    ...(token === undefined ? {} : { token }),
    ...(tokenUserId === undefined ? {} : { tokenUserId }),
    users: byId(users),
    services: byId(services),
    teams: new Map(Object.entries(teams)),
    escalationPolicies: new Map(Object.entries(escalationPolicies)),
    schedules: new Map(Object.entries(schedules)),
    maintenanceWindows: options.maintenanceWindows ?? [],
    incidents: [],
    pages: [],
    switches: { ...defaultSwitches, ...options.switches },
    ended: new AbortController(),
    nextId: (prefix) => `${prefix}${String(++lastId).padStart(6, "0")}`,
  };
}

function byId<T extends { id: string }>(items: T[] = []): Map<string, T> {
  return new Map(items.map((item) => [item.id, item]));
}

/** PagerDuty's clock. */
export function serverTime({ clock, switches }: Account): number {
  return clock.now() + switches.clockSkewSeconds * 1000;
}

export function emailOf({ id, email }: FakeUser): string {
  return email ?? `${id.toLowerCase()}@example.com`;
}

export function userByEmail({ users }: Account, email: string): FakeUser | undefined {
  return [...users.values()].find((user) => emailOf(user).toLowerCase() === email.toLowerCase());
}

export function log(
  account: Account,
  incident: FakeIncident,
  entry: Pick<FakeLogEntry, "type" | "agent" | "channel" | "userId">,
): void {
  const { nextId } = account;
  incident.entries.push({
    id: nextId("R"),
    at: serverTime(account),
    incidentId: incident.id,
    ...entry,
  });
}

/** Does something later, unless the fake ends first. */
export function later(account: Account, seconds: number, action: () => void): void {
  account.clock.sleep(seconds * 1000, account.ended.signal).then(action, (error: unknown) => {
    if (!account.ended.signal.aborted) throw error;
  });
}
