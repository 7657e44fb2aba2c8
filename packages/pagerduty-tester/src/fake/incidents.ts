import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { type Account, later, log, serverTime, userByEmail } from "./account.ts";
import type { FakeIncident } from "./model.ts";
import { acknowledge, pageAssignees, resolve } from "./people.ts";
import { badArguments, invalid, notFound, Problem } from "./problem.ts";

/** How long an account whose dedup is not atomic takes between looking for the key and creating the incident. */
const undecidedMs = 300;

const reference = (type: string) =>
  z.strictObject({ id: z.string().min(1), type: z.literal(type) });

const newIncident = z.strictObject({
  incident: z.strictObject({
    type: z.literal("incident"),
    title: z.string().min(1),
    service: reference("service_reference"),
    urgency: z.enum(["high", "low"]).optional(),
    incident_key: z.string().min(1).max(255).optional(),
    assignments: z.array(z.strictObject({ assignee: reference("user_reference") })).optional(),
    body: z.strictObject({ type: z.literal("incident_body"), details: z.string() }).optional(),
  }),
});

const changedIncident = z.strictObject({
  incident: z.strictObject({
    type: z.enum(["incident", "incident_reference"]),
    status: z.enum(["acknowledged", "resolved"]),
    resolution: z.string().optional(),
  }),
});

/** `POST /incidents`: a new incident, its people paged. */
export async function createIncident(
  account: Account,
  from: string | undefined,
  body: unknown,
): Promise<FakeIncident> {
  const { incident: asked } = valid(newIncident, body);
  const creator = requester(account, from);
  const service = account.services.get(asked.service.id);
  if (service === undefined) throw badArguments("Service not found");
  const assignees = (asked.assignments ?? []).map(({ assignee }) => assignee.id);
  for (const id of assignees) {
    if (!account.users.has(id)) throw new Problem(400, 1007, "Assignee User Not Found");
  }
  const asleep = service.status === "disabled" || inMaintenance(account, service.id);
  if (asleep && account.switches.maintenance === "reject") {
    throw badArguments("Service is disabled or in maintenance and cannot accept incidents");
  }
  const key = asked.incident_key ?? account.nextId("key-");
  refuseDuplicate(account, service.id, key);
  // Another request may pass the check in this time.
  if (!account.switches.atomicDedup) await delay(undecidedMs);
  const id = account.nextId("Q");
  const incident: FakeIncident = {
    id,
    number: account.incidents.length + 1,
    key,
    title: asked.title,
    urgency: asked.urgency ?? service.urgency ?? "high",
    serviceId: service.id,
    status: "triggered",
    createdAt: serverTime(account),
    assignees,
    acknowledgers: [],
    creatorId: creator,
    entries: [],
  };
  account.incidents.push(incident);
  const agent = { id: creator, type: "user_reference" };
  log(account, incident, { type: "trigger_log_entry", agent, channel: { type: "api" } });
  // A person who assigns an incident to themselves is taken to know about it.
  if (assignees.includes(creator)) acknowledge(account, incident, agent, { type: "api" });
  else if (!asleep && !account.switches.acceptWithoutPage) pageAssignees(account, incident);
  resolveInTime(account, incident, service.autoResolveTimeout);
  return incident;
}

/** `PUT /incidents/{id}`. */
export function changeIncident(
  account: Account,
  id: string,
  from: string | undefined,
  body: unknown,
): FakeIncident {
  const { incident: asked } = valid(changedIncident, body);
  const agent = { id: requester(account, from), type: "user_reference" };
  const incident = account.incidents.find((each) => each.id === id);
  if (incident === undefined) throw notFound();
  if (incident.status === "resolved") throw new Problem(400, 1001, "Incident Already Resolved");
  if (asked.status === "acknowledged") acknowledge(account, incident, agent, { type: "api" });
  else {
    resolve(account, incident, agent, { type: "api" });
    if (asked.resolution !== undefined) incident.resolution = asked.resolution;
  }
  return incident;
}

export function inMaintenance(account: Account, serviceId: string): boolean {
  const now = serverTime(account);
  return (
    account.services.get(serviceId)?.status === "maintenance" ||
    account.maintenanceWindows.some(
      ({ serviceIds, start, end }) =>
        serviceIds.includes(serviceId) && start.getTime() <= now && now < end.getTime(),
    )
  );
}

function resolveInTime(
  account: Account,
  incident: FakeIncident,
  timeout: number | null | undefined,
): void {
  if (timeout === null) return;
  later(account, timeout ?? 14_400, () => {
    if (incident.status === "resolved") return;
    const agent = { id: incident.serviceId, type: "service_reference" };
    resolve(account, incident, agent, { type: "timeout" });
  });
}

function refuseDuplicate({ incidents }: Account, serviceId: string, key: string): void {
  const open = incidents.some(
    (incident) =>
      incident.key === key && incident.serviceId === serviceId && incident.status !== "resolved",
  );
  if (open) {
    throw badArguments("Open incident with matching dedup key already exists on this service");
  }
}

function requester(account: Account, from: string | undefined): string {
  // The address is not looked at then.
  if (account.tokenUserId !== undefined) return account.tokenUserId;
  if (from === undefined) throw invalid("From header is required");
  const user = userByEmail(account, from);
  if (user === undefined) throw new Problem(400, 1008, "Requester User Not Found");
  return user.id;
}

function valid<T>(schema: z.ZodType<T>, body: unknown): T {
  if (body === undefined)
    throw new Problem(400, 2001, "Invalid Input Provided", ["params must be a Hash"]);
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw invalid(
    ...result.error.issues.map(({ path, message }) => `${path.map(String).join(".")}: ${message}`),
  );
}
