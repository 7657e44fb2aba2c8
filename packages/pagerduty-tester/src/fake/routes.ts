import { type Account, serverTime } from "./account.ts";
import { changeIncident, createIncident } from "./incidents.ts";
import type { FakeIncident, FakeUser } from "./model.ts";
import { invalid, notFound, Problem } from "./problem.ts";
import { type Query, readPage } from "./query.ts";
import {
  contactMethodsView,
  entryView,
  incidentView,
  maintenanceView,
  memberView,
  notificationRulesView,
  policyOf,
  policyView,
  serviceView,
  userView,
} from "./views.ts";

/** A request as the routes see it. */
export interface FakeRequest {
  query: Query;
  from?: string;
  body: unknown;
}

export interface Answer {
  status: number;
  body: object;
}

type Handler = (
  account: Account,
  request: FakeRequest,
  ...ids: string[]
) => object | Promise<object>;

const month = 31 * 24 * 3600 * 1000;

/** What the fake understands: method, path, the query parameters allowed, what is done. */
const routes: { method: string; path: RegExp; query?: string[]; status?: number; run: Handler }[] =
  [
    {
      method: "POST",
      path: /^\/incidents$/,
      status: 201,
      run: async (account, { from, body }) => ({
        incident: incidentView(account, await createIncident(account, from, body)),
      }),
    },
    {
      method: "GET",
      path: /^\/incidents$/,
      query: [
        ...["incident_key", "service_ids[]", "user_ids[]", "statuses[]", "date_range"],
        ...["since", "until", "limit", "offset", "sort_by", "total", "include[]", "time_zone"],
      ],
      run: (account, { query }) =>
        paged(query, "incidents", listIncidents(account, query), (incident) =>
          incidentView(account, incident),
        ),
    },
    {
      method: "GET",
      path: /^\/incidents\/([^/]+)$/,
      query: ["include[]"],
      run: (account, _, id) => ({ incident: incidentView(account, incidentOf(account, id)) }),
    },
    {
      method: "PUT",
      path: /^\/incidents\/([^/]+)$/,
      run: (account, { from, body }, id = "") => ({
        incident: incidentView(account, changeIncident(account, id, from, body)),
      }),
    },
    {
      method: "GET",
      path: /^\/incidents\/([^/]+)\/log_entries$/,
      query: [
        "include[]",
        "is_overview",
        "limit",
        "offset",
        "since",
        "until",
        "total",
        "time_zone",
      ],
      run: (account, { query }, id) =>
        paged(query, "log_entries", incidentOf(account, id).entries.toReversed(), (entry) =>
          entryView(entry, query.has("include[]", "channels")),
        ),
    },
    {
      method: "GET",
      path: /^\/users$/,
      query: ["query", "include[]", "limit", "offset", "team_ids[]", "total"],
      run: (account, { query }) => {
        const wanted = query.one("query")?.toLowerCase();
        const found = [...account.users.values()].filter(
          (user) =>
            wanted === undefined || JSON.stringify(userView(user)).toLowerCase().includes(wanted),
        );
        return paged(query, "users", found, userView);
      },
    },
    {
      method: "GET",
      path: /^\/users\/me$/,
      run: (account) => {
        const { tokenUserId } = account;
        if (tokenUserId === undefined) throw invalid("user-level API token required");
        return { user: userView(userOf(account, tokenUserId)) };
      },
    },
    {
      method: "GET",
      path: /^\/users\/([^/]+)$/,
      query: ["include[]"],
      run: (account, _, id) => ({ user: userView(userOf(account, id)) }),
    },
    {
      method: "GET",
      path: /^\/users\/([^/]+)\/contact_methods$/,
      run: (account, _, id) => ({ contact_methods: contactMethodsView(userOf(account, id)) }),
    },
    {
      method: "GET",
      path: /^\/users\/([^/]+)\/notification_rules$/,
      query: ["urgency", "include[]"],
      run: (account, _, id) => ({ notification_rules: notificationRulesView(userOf(account, id)) }),
    },
    {
      method: "GET",
      path: /^\/services\/([^/]+)$/,
      query: ["include[]"],
      run: (account, _, id = "") => {
        const service = account.services.get(id);
        if (service === undefined) throw notFound();
        return { service: serviceView(account, service) };
      },
    },
    {
      method: "GET",
      path: /^\/maintenance_windows$/,
      query: ["service_ids[]", "filter", "limit", "offset"],
      run: (account, { query }) =>
        paged(query, "maintenance_windows", maintenanceView(account), (window) => window),
    },
    {
      method: "GET",
      path: /^\/abilities$/,
      run: () => ({ abilities: ["urgencies", "teams"] }),
    },
    {
      method: "GET",
      path: /^\/teams\/([^/]+)\/members$/,
      query: ["limit", "offset"],
      run: (account, { query }, id = "") => {
        const members = account.teams.get(id);
        if (members === undefined) throw notFound();
        return paged(query, "members", members, (user) => ({
          user: memberView(account, "user")(user),
          role: "responder",
        }));
      },
    },
    {
      method: "GET",
      path: /^\/escalation_policies\/([^/]+)$/,
      query: ["include[]"],
      run: (account, _, id = "") => {
        const services = [...account.services.values()].filter(
          (service) => policyOf(service) === id,
        );
        const members = account.escalationPolicies.get(id);
        if (members === undefined && services.length === 0) throw notFound();
        return { escalation_policy: policyView(account, id, services, members ?? []) };
      },
    },
    {
      method: "GET",
      path: /^\/schedules\/([^/]+)$/,
      query: ["include[]", "since", "until"],
      run: (account, _, id = "") => {
        const people = account.schedules.get(id);
        if (people === undefined) throw notFound();
        return {
          schedule: { id, type: "schedule", users: people.map(memberView(account, "user")) },
        };
      },
    },
  ];

/** Does what a request asks; throws {@link Problem}. What the fake does not know fails loudly. */
export async function route(
  account: Account,
  method: string,
  path: string,
  request: FakeRequest,
): Promise<Answer> {
  for (const { path: pattern, query = [], status = 200, run, ...candidate } of routes) {
    const match = path.match(pattern);
    if (match === null || candidate.method !== method) continue;
    const unknown = request.query.names().filter((name) => !query.includes(name));
    if (unknown.length > 0) throw invalid(`unknown parameter ${unknown.join(", ")}`);
    return { status, body: await run(account, request, ...match.slice(1)) };
  }
  throw new Problem(404, 2100, "Not Found", [`the fake does not know ${method} ${path}`]);
}

function paged<T>(query: Query, name: string, items: T[], view: (item: T) => object): object {
  const { limit, offset } = readPage(query);
  return {
    [name]: items.slice(offset, offset + limit).map(view),
    limit,
    offset,
    more: offset + limit < items.length,
    total: null,
  };
}

function listIncidents(account: Account, query: Query): FakeIncident[] {
  const now = serverTime(account);
  const key = query.one("incident_key");
  const everything = query.one("date_range") === "all";
  const lag = account.switches.listLagSeconds * 1000;
  const among = (name: string, values: string[]) => {
    const wanted = query.all(name);
    return wanted.length === 0 || values.some((value) => wanted.includes(value));
  };
  return account.incidents
    .filter(
      (incident) =>
        (key === undefined || key === "" || incident.key === key) &&
        among("service_ids[]", [incident.serviceId]) &&
        among("statuses[]", [incident.status]) &&
        among("user_ids[]", incident.assignees) &&
        (everything || now - incident.createdAt < month) &&
        now - incident.createdAt >= lag,
    )
    .toReversed();
}

function incidentOf(account: Account, id = ""): FakeIncident {
  const incident = account.incidents.find((each) => each.id === id);
  if (incident === undefined) throw notFound();
  return incident;
}

function userOf(account: Account, id = ""): FakeUser {
  const user = account.users.get(id);
  if (user === undefined) throw notFound();
  return user;
}
