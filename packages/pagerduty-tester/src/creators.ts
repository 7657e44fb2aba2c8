import type { PagerDutyClient } from "./client.ts";
import type { Clock } from "./clock.ts";
import { PagerDutyError } from "./errors.ts";

const keptMs = 3_600_000;

/**
 * Finds the users that our incidents are created as: the one of the From address, and the token's own. A test
 * of one of them would page nobody.
 *
 * @returns a function that gives their ids, looked up once an hour; what PagerDuty will not tell is left out
 */
export function createCreators(
  client: PagerDutyClient,
  from: string,
  clock: Clock,
): (signal: AbortSignal) => Promise<string[]> {
  let known: { ids: string[]; at: number } | undefined;
  return async (signal) => {
    if (known !== undefined && Math.abs(clock.now() - known.at) < keptMs) return known.ids;
    const ids = await findCreators(client, from, signal);
    known = { ids, at: clock.now() };
    return ids;
  };
}

/** @throws PagerDutyError when PagerDuty cannot be asked now */
export async function findCreators(
  client: PagerDutyClient,
  from: string,
  signal: AbortSignal,
): Promise<string[]> {
  const found = await refusedAs([], client.findUsers(from, signal));
  const own = await refusedAs(undefined, client.getOwnUser(signal));
  const senders = found.filter(({ email }) => email?.toLowerCase() === from.toLowerCase());
  return [...senders.map(({ id }) => id), ...(own === undefined ? [] : [own.id])];
}

/** Account-level tokens have no user of their own, and scoped ones may not look at users. */
async function refusedAs<T, U>(otherwise: U, request: Promise<T>): Promise<T | U> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof PagerDutyError && error.outcome === "refused") return otherwise;
    throw error;
  }
}
