import type { Account } from "./account.ts";
import type { FakeFault } from "./faults.ts";
import type { FakeService, FakeSwitches, FakeUser } from "./model.ts";
import { invalid, notFound } from "./problem.ts";
import { incidentView } from "./views.ts";

/** The requests a fake saw, for tests that count them. */
export interface SeenRequest {
  method: string;
  path: string;
  status?: number;
}

/**
 * The control endpoint, `/control/…`, by which a test or a curious person changes the account while it runs:
 * GET state; POST people, services, switches, faults (JSON in the form of the library's options).
 */
export function control(
  account: Account,
  world: { requests: SeenRequest[]; addFaults: (...faults: FakeFault[]) => void },
  method: string,
  path: string,
  body: unknown,
): object {
  if (method === "GET" && path === "/control/state") {
    return {
      pages: account.pages,
      incidents: account.incidents.map((incident) => incidentView(account, incident)),
      requests: world.requests,
      switches: account.switches,
    };
  }
  if (method !== "POST") throw notFound();
  switch (path) {
    case "/control/people":
      for (const user of list<FakeUser>(body)) account.users.set(user.id, user);
      return { people: account.users.size };
    case "/control/services":
      for (const service of list<FakeService>(body)) account.services.set(service.id, service);
      return { services: account.services.size };
    case "/control/switches":
      Object.assign(account.switches, body as Partial<FakeSwitches>);
      return account.switches;
    case "/control/faults":
      world.addFaults(...list<FakeFault>(body));
      return { added: list(body).length };
    default:
      throw notFound();
  }
}

function list<T>(body: unknown): T[] {
  if (!Array.isArray(body)) throw invalid("expected a list");
  return body;
}
