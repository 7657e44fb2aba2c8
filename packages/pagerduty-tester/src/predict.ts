import type { TestedUser } from "./config.ts";
import { maxLatenessOf } from "./decide.ts";
import { createPacer } from "./pacer.ts";
import { untilEnd } from "./schedule/do-not-disturb.ts";
import { comingRuns } from "./schedule/schedule.ts";

/** When a person's next page will go out, given everybody else's before it on the same service. */
export interface Prediction {
  user: TestedUser;
  scheduledAt: Date;
  sendAt: Date;
  /** What is wrong with that time; undefined when it is fine. */
  problem?: string;
}

/** A page that goes out earlier than this before do-not-disturb ends is not kind. */
const kindMs = 15 * 60_000;

/**
 * Everybody's next pages under the rate limit, the earliest first.
 *
 * @param runs how many of each person
 */
export function predictSends(
  users: readonly TestedUser[],
  now: Date,
  ratePerMinute: number,
  runs = 1,
): Prediction[] {
  const coming = users
    .flatMap((user) => comingRuns(user.schedule, now, runs).map((at) => ({ user, at })))
    .sort((a, b) => a.at.getTime() - b.at.getTime());
  const services = new Map<
    string | undefined,
    { pacer: ReturnType<typeof createPacer>; free: number }
  >();
  return coming.map(({ user, at }) => {
    const service = services.get(user.service) ?? { pacer: createPacer(ratePerMinute), free: 0 };
    services.set(user.service, service);
    const earliest = Math.max(at.getTime(), service.free);
    const send = earliest + service.pacer.waitMs(earliest);
    service.pacer.take(send);
    service.free = send;
    const sendAt = new Date(send);
    const problem = problemOf(user, at, sendAt);
    return { user, scheduledAt: at, sendAt, ...(problem === undefined ? {} : { problem }) };
  });
}

function problemOf(user: TestedUser, at: Date, sendAt: Date): string | undefined {
  const lateMs = sendAt.getTime() - at.getTime();
  if (lateMs > maxLatenessOf(user, at)) {
    return `would go out ${minutes(lateMs)} late, behind others on ${user.service ?? "the service"}, and be dropped; use an earlier cron or another service`;
  }
  if (user.doNotDisturb === undefined) return undefined;
  const left = untilEnd(user.doNotDisturb, sendAt, user.timeZone);
  if (left === undefined) return "would go out outside doNotDisturb, and prove nothing about it";
  return left > kindMs
    ? `would go out ${minutes(left)} before doNotDisturb ends; 15 minutes are enough to prove it`
    : undefined;
}

function minutes(milliseconds: number): string {
  return `${Math.round(milliseconds / 60_000)} min`;
}
