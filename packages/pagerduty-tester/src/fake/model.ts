/** What a fake account holds. Times are milliseconds since 1970. */

/** How a person reacts to a page. */
export interface FakeAnswer {
  /** Seconds between the notification and the reaction; `never` for a person who sleeps through it. */
  after: number | "never";
  /** What the person does. @default "resolve" */
  action?: "acknowledge" | "resolve";
  /** How it reaches PagerDuty. @default "phone" */
  channel?: string;
  /** The id of another person, who reacts instead. */
  by?: string;
}

export interface FakeUser {
  id: string;
  /** @default the id */
  name?: string;
  /** The login. @default the id in lower case, at example.com */
  email?: string;
  /** @default "limited_user" */
  role?: string;
  /** Whether the invitation was sent and never accepted. @default false */
  invited?: boolean;
  /** @default a phone and a push */
  contactMethods?: {
    id: string;
    type: string;
    address?: string;
    enabled?: boolean;
    blacklisted?: boolean;
  }[];
  /** @default one high-urgency rule without delay for the first contact method */
  notificationRules?: {
    id: string;
    urgency: "high" | "low";
    delayMinutes: number;
    contactMethodId: string;
  }[];
  /** What the carrier answers when a page is handed over. @default "success" */
  delivery?: "success" | "failed";
  /** @default resolves by phone after 2 s */
  answer?: FakeAnswer;
}

export interface FakeService {
  id: string;
  name?: string;
  /** @default "active" */
  status?: "active" | "warning" | "critical" | "maintenance" | "disabled";
  /** Seconds until an acknowledged incident pages again; null for never. @default 1800 */
  acknowledgementTimeout?: number | null;
  /** Seconds until an open incident resolves itself; null for never. @default 14400 */
  autoResolveTimeout?: number | null;
  /** @default "high" */
  urgency?: string;
  /** @default one of its own */
  escalationPolicy?: string;
}

export interface FakeMaintenanceWindow {
  id: string;
  serviceIds: string[];
  start: Date;
  end: Date;
}

/** What nobody outside PagerDuty knows for sure; each may be set either way. */
export interface FakeSwitches {
  /** Seconds until a new incident shows in lists. @default 0 */
  listLagSeconds: number;
  /** Whether two simultaneous requests with one key are told apart. @default true */
  atomicDedup: boolean;
  /** Incidents are created and nobody is paged. @default false */
  acceptWithoutPage: boolean;
  /** What a service that is disabled or in maintenance does with a new incident. @default "reject" */
  maintenance: "reject" | "accept-without-page";
  /** Whether 429 and 2xx carry the `ratelimit-*` headers. @default true */
  rateLimitHeaders: boolean;
  /** How many seconds PagerDuty's clock is ahead of ours. @default 0 */
  clockSkewSeconds: number;
}

export const defaultSwitches: FakeSwitches = {
  listLagSeconds: 0,
  atomicDedup: true,
  acceptWithoutPage: false,
  maintenance: "reject",
  rateLimitHeaders: true,
  clockSkewSeconds: 0,
};

export interface FakeLogEntry {
  id: string;
  type: string;
  at: number;
  incidentId: string;
  agent: { id: string; type: string };
  channel: Record<string, unknown> & { type: string };
  /** The notified person of a `notify_log_entry`. */
  userId?: string;
}

export interface FakeIncident {
  id: string;
  number: number;
  key: string;
  title: string;
  urgency: string;
  serviceId: string;
  status: "triggered" | "acknowledged" | "resolved";
  createdAt: number;
  assignees: string[];
  acknowledgers: string[];
  creatorId: string;
  resolution?: string;
  entries: FakeLogEntry[];
}

/** One notification that reached a person. */
export interface FakePage {
  incidentId: string;
  key: string;
  userId: string;
  at: Date;
}
