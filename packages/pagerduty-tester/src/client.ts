import { z } from "zod";
import { PagerDutyError } from "./errors.ts";
import {
  type ApiAnswer,
  type ApiRequest,
  createTransport,
  type RateLimit,
  type Timeouts,
  type Transport,
} from "./http.ts";
import {
  type Incident,
  incidentSchema,
  type LogEntry,
  logEntrySchema,
  type MaintenanceWindow,
  maintenanceWindowSchema,
  type Service,
  serviceSchema,
  type User,
  userSchema,
} from "./model.ts";

export interface PagerDutyClientOptions {
  /** A REST API key or an OAuth token. */
  token: string;
  /** Login email of the user that incidents are created and resolved as. */
  from: string;
  /** @default "https://api.pagerduty.com" */
  apiUrl?: string;
  /** Milliseconds for each phase of a request. */
  timeouts?: Partial<Timeouts>;
  /** Called when a request begins and when it ended: for metrics. */
  onRequest?: (event: { phase: "begin" | "end"; method: string; status?: number }) => void;
}

export interface NewIncident {
  title: string;
  serviceId: string;
  userId: string;
  key: string;
  details?: string;
}

export interface IncidentFilter {
  key?: string;
  serviceIds?: string[];
  userIds?: string[];
  statuses?: ("triggered" | "acknowledged" | "resolved")[];
}

/** Who is paged, one after the other, for the incidents of some services. */
export interface EscalationPolicy {
  id: string;
  name: string;
  serviceIds: string[];
  users: Member[];
  scheduleIds: string[];
}

/** A person as teams, schedules and policies name them. */
export interface Member {
  id: string;
  name: string;
}

const target = z.object({
  id: z.string(),
  type: z.string().nullish(),
  summary: z.string().nullish(),
});
const memberOf = ({ id, summary }: z.infer<typeof target>): Member => ({ id, name: summary ?? id });
const scheduleAnswerSchema = z.object({ schedule: z.object({ users: z.array(target).nullish() }) });
const policyAnswerSchema = z.object({
  escalation_policy: z.object({
    id: z.string(),
    name: z.string().nullish(),
    services: z.array(z.object({ id: z.string() })).nullish(),
    escalation_rules: z.array(z.object({ targets: z.array(target) })),
  }),
});

const pageSize = 100;
// PagerDuty refuses an offset and limit that together go over this.
const lastOffset = 10_000;

/**
 * The part of PagerDuty's REST API a test page needs. Each call sends its request once; nothing is retried.
 * Every failure is a {@link PagerDutyError}, which holds no secret.
 */
export class PagerDutyClient {
  readonly #transport: Transport;
  readonly #onRequest: NonNullable<PagerDutyClientOptions["onRequest"]>;
  /** What the last answer said of the rate limit that is closest to being reached. */
  lastLimit: RateLimit | undefined;

  constructor(options: PagerDutyClientOptions) {
    const { apiUrl = "https://api.pagerduty.com", onRequest = () => {} } = options;
    this.#transport = createTransport({ ...options, apiUrl });
    this.#onRequest = onRequest;
  }

  /** Creates an incident, which pages the person. */
  async createIncident(incident: NewIncident, signal?: AbortSignal): Promise<Incident> {
    const { title, serviceId, userId, key, details } = incident;
    const answer = await this.#send({
      method: "POST",
      path: "incidents",
      body: {
        incident: {
          type: "incident",
          title,
          // Without it the service's default decides, and a low-urgency page does not ring.
          urgency: "high",
          incident_key: key,
          service: { id: serviceId, type: "service_reference" },
          assignments: [{ assignee: { id: userId, type: "user_reference" } }],
          ...(details === undefined ? {} : { body: { type: "incident_body", details } }),
        },
      },
      signal,
    });
    return read(answer, z.object({ incident: incidentSchema })).incident;
  }

  /** Resolves an incident; one that is resolved already is as good. */
  async resolveIncident(id: string, resolution: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.#send({
        method: "PUT",
        path: `incidents/${encodeURIComponent(id)}`,
        body: { incident: { type: "incident", status: "resolved", resolution } },
        signal,
      });
    } catch (error) {
      if (!(error instanceof PagerDutyError && error.alreadyResolved)) throw error;
    }
  }

  /** All incidents that fit, of any age. The filter is applied here again: an API that ignores part of it must not mislead. */
  async listIncidents(filter: IncidentFilter, signal?: AbortSignal): Promise<Incident[]> {
    const { key, serviceIds = [], userIds = [], statuses = [] } = filter;
    const incidents = await this.#list(
      "incidents",
      {
        ...(key === undefined ? {} : { incident_key: key }),
        "service_ids[]": serviceIds,
        "user_ids[]": userIds,
        "statuses[]": statuses,
        // The default is the last month.
        date_range: "all",
      },
      incidentSchema,
      signal,
    );
    const among = (wanted: string[], given: (string | null | undefined)[]) =>
      wanted.length === 0 || given.some((value) => value == null || wanted.includes(value));
    return incidents.filter(
      ({ incident_key, service, status, assignments }) =>
        (key === undefined || incident_key === key) &&
        among(serviceIds, [service?.id]) &&
        among(statuses, [status]) &&
        among(userIds, assignments?.map(({ assignee }) => assignee.id) ?? [undefined]),
    );
  }

  /** An incident's log, with what became of each notification. */
  listLogEntries(incidentId: string, signal?: AbortSignal): Promise<LogEntry[]> {
    const path = `incidents/${encodeURIComponent(incidentId)}/log_entries`;
    return this.#list(path, { "include[]": "channels" }, logEntrySchema, signal, "log_entries");
  }

  /** A person with contact methods and notification rules. */
  async getUser(id: string, signal?: AbortSignal): Promise<User> {
    const answer = await this.#send({
      method: "GET",
      path: `users/${encodeURIComponent(id)}`,
      query: { "include[]": ["contact_methods", "notification_rules"] },
      signal,
    });
    return read(answer, z.object({ user: userSchema })).user;
  }

  /** The people whose name or email has the text in it. */
  findUsers(text: string, signal?: AbortSignal): Promise<User[]> {
    return this.#list("users", { query: text }, userSchema, signal);
  }

  /** The token's own user; account-level tokens have none, and the call fails. */
  async getOwnUser(signal?: AbortSignal): Promise<User> {
    const answer = await this.#send({ method: "GET", path: "users/me", signal });
    return read(answer, z.object({ user: userSchema })).user;
  }

  async getService(id: string, signal?: AbortSignal): Promise<Service> {
    const path = `services/${encodeURIComponent(id)}`;
    const answer = await this.#send({ method: "GET", path, signal });
    return read(answer, z.object({ service: serviceSchema })).service;
  }

  /** A service's maintenance windows that are open or to come. */
  listMaintenanceWindows(serviceId: string, signal?: AbortSignal): Promise<MaintenanceWindow[]> {
    const query = { "service_ids[]": serviceId, filter: "open" };
    return this.#list("maintenance_windows", query, maintenanceWindowSchema, signal);
  }

  /** The ids and names of a team's members. */
  async listTeamMembers(id: string, signal?: AbortSignal): Promise<Member[]> {
    const path = `teams/${encodeURIComponent(id)}/members`;
    const members = await this.#list(path, {}, z.object({ user: target }), signal, "members");
    return members.map(({ user }) => memberOf(user));
  }

  /** The people on a schedule, whether on call now or not. */
  async listScheduleUsers(id: string, signal?: AbortSignal): Promise<Member[]> {
    const path = `schedules/${encodeURIComponent(id)}`;
    const answer = await this.#send({ method: "GET", path, signal });
    return (read(answer, scheduleAnswerSchema).schedule.users ?? []).map(memberOf);
  }

  /** An escalation policy: the services that use it, and the people and schedules it names. */
  async getEscalationPolicy(id: string, signal?: AbortSignal): Promise<EscalationPolicy> {
    const path = `escalation_policies/${encodeURIComponent(id)}`;
    const answer = await this.#send({ method: "GET", path, signal });
    const { escalation_policy: policy } = read(answer, policyAnswerSchema);
    const targets = policy.escalation_rules.flatMap((rule) => rule.targets);
    const named = (kind: string) => targets.filter(({ type }) => type?.startsWith(kind));
    return {
      id: policy.id,
      name: policy.name ?? policy.id,
      serviceIds: (policy.services ?? []).map((service) => service.id),
      users: named("user").map(memberOf),
      scheduleIds: named("schedule").map((schedule) => schedule.id),
    };
  }

  async #list<T>(
    path: string,
    query: Record<string, string | string[]>,
    item: z.ZodType<T>,
    signal?: AbortSignal,
    name: string = path,
  ): Promise<T[]> {
    const all: T[] = [];
    const page = z.object({ [name]: z.array(item), more: z.boolean().nullish() });
    for (let offset = 0; offset + pageSize <= lastOffset; offset += pageSize) {
      const answer = await this.#send({
        method: "GET",
        path,
        query: { ...query, limit: String(pageSize), offset: String(offset) },
        signal,
      });
      const found = read(answer, page);
      all.push(...(found[name] as T[]));
      if (!found["more"]) break;
    }
    return all;
  }

  async #send(request: ApiRequest): Promise<ApiAnswer> {
    const { method } = request;
    this.#onRequest({ phase: "begin", method });
    let status: number | undefined;
    try {
      const answer = await this.#transport(request);
      status = answer.status;
      this.lastLimit = answer.limit;
      return answer;
    } catch (error) {
      status = error instanceof PagerDutyError ? error.status : undefined;
      throw error;
    } finally {
      this.#onRequest({ phase: "end", method, ...(status === undefined ? {} : { status }) });
    }
  }
}

/** The answer as what it should be; a server that did something and says it strangely leaves us in doubt. */
function read<T>({ body }: ApiAnswer, schema: z.ZodType<T>): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new PagerDutyError(
    `PagerDuty's answer is not as documented: ${issue?.path.map(String).join(".")}: ${issue?.message}`,
    { outcome: "unknown" },
  );
}
