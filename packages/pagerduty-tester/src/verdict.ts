import type { LogEntry } from "./model.ts";

/** How a test went for one person. */
export type Verdict =
  /** The person answered in time. */
  | "pass"
  /** The person answered, after the deadline. */
  | "late"
  /** The page was handed over to a carrier, and nobody answered. */
  | "no-response"
  /** PagerDuty handed no page over. */
  | "not-notified"
  /** Somebody else answered. */
  | "wrong-person"
  /** Created as the tested person, such an incident pages nobody. */
  | "self-assigned"
  /** PagerDuty refused the incident. */
  | "refused"
  /** The person was in a real incident. */
  | "skipped"
  /** Trouble with the API; nobody knows. */
  | "unknown"
  /** Nothing was sent in the time that was left. */
  | "missed";

/** What is known of a page, for {@link verdictOf}. */
export interface Evidence {
  /** The tested person. */
  userId: string;
  /** The incident's own time of creation: all delays are on PagerDuty's clock. */
  createdAt: Date;
  /** The incident's status in the answer that created it. */
  createdStatus?: string | undefined;
  /** Until when, on PagerDuty's clock, an answer is in time. */
  deadline: Date;
  /** Whether the deadline has passed. */
  over: boolean;
  entries: readonly LogEntry[];
  /** The ids of the user that incidents are created and cleaned up as. */
  creatorIds?: readonly string[];
}

/** A verdict with its delays, in milliseconds after the incident's creation, and the ids of the log entries that prove it. */
export interface Outcome {
  verdict: Verdict;
  notifiedAfterMs?: number;
  respondedAfterMs?: number;
  acknowledgedAfterMs?: number;
  resolvedAfterMs?: number;
  /** How the answer reached PagerDuty, or, without one, how the page went out: phone, sms, push… */
  channel?: string;
  evidence: string[];
  /** One sentence for people, where the verdict alone leaves a question. */
  reason?: string;
}

/**
 * The verdict on a page, from the incident's log, or undefined while it is open.
 *
 * An acknowledgement and a resolution by the tested person count as an answer; by anybody else they do not,
 * and our own clean-up (by the creator, through the API) is no answer of anybody.
 */
export function verdictOf(given: Evidence): Outcome | undefined {
  const facts = readEntries(given);
  const { notified, acknowledged, resolved, responded, other, ended } = facts;
  const after = (entry: LogEntry) => Date.parse(entry.created_at) - given.createdAt.getTime();
  const conclude = (verdict: Verdict, proof: (LogEntry | undefined)[]): Outcome => ({
    verdict,
    ...(notified && { notifiedAfterMs: after(notified) }),
    ...(responded && { respondedAfterMs: after(responded) }),
    ...(acknowledged && { acknowledgedAfterMs: after(acknowledged) }),
    ...(resolved && { resolvedAfterMs: after(resolved) }),
    ...channelOf(responded, notified),
    evidence: [...new Set(proof.flatMap((entry) => (entry ? [entry.id] : [])))],
  });

  if (given.createdStatus === "acknowledged" || facts.acknowledgedByItself) {
    return {
      ...conclude("self-assigned", [facts.acknowledgedByItself]),
      reason: "the incident was created as the tested person, and PagerDuty pages nobody for those",
    };
  }
  if (responded !== undefined) {
    const inTime = Date.parse(responded.created_at) <= given.deadline.getTime();
    return conclude(inTime ? "pass" : "late", [notified, acknowledged, resolved]);
  }
  // A resolved incident gets no answer any more; one that somebody else acknowledged still may.
  if (!given.over && ended === undefined) return undefined;
  if (other !== undefined) return conclude("wrong-person", [notified, other]);
  return conclude(notified ? "no-response" : "not-notified", [
    notified,
    ...(notified ? [] : facts.failedNotifications),
    ended,
  ]);
}

function readEntries({ userId, createdAt, creatorIds = [], entries }: Evidence) {
  const sorted = entries.toSorted((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
  const notifications = sorted.filter(
    ({ type, user }) => type === "notify_log_entry" && user?.id === userId,
  );
  const delivered = (entry: LogEntry) =>
    (entry.channel?.notification?.status ?? "success") === "success";
  const answers = sorted.filter(({ type }) => type === acknowledging || type === resolving);
  const byUser = answers.filter(({ agent }) => agent?.id === userId);
  const created = createdAt.getTime();
  return {
    notified: notifications.find(delivered),
    failedNotifications: notifications.filter((entry) => !delivered(entry)),
    acknowledged: byUser.find(({ type }) => type === acknowledging),
    resolved: byUser.find(({ type }) => type === resolving),
    responded: byUser[0],
    other: answers.find(
      (entry) => entry.agent?.id !== userId && isPerson(entry) && !isCleanUp(entry, creatorIds),
    ),
    ended: sorted.find(({ type }) => type === resolving),
    // Acknowledged by its creator in the very request that created it.
    acknowledgedByItself: creatorIds.includes(userId)
      ? byUser.find(
          ({ type, created_at, channel }) =>
            type === acknowledging &&
            channel?.type === "api" &&
            Date.parse(created_at) - created <= 1000,
        )
      : undefined,
  };
}

const acknowledging = "acknowledge_log_entry";
const resolving = "resolve_log_entry";

function isPerson({ agent, channel }: LogEntry): boolean {
  if (agent == null || channel?.type === "timeout") return false;
  // `type` may be missing; services and integrations always have theirs.
  return agent.type === undefined || agent.type.startsWith("user");
}

function isCleanUp({ agent, channel }: LogEntry, creatorIds: readonly string[]): boolean {
  return channel?.type === "api" && creatorIds.includes(agent?.id ?? "");
}

function channelOf(responded?: LogEntry, notified?: LogEntry): { channel?: string } {
  const channel = responded?.channel?.type ?? notified?.channel?.notification?.type;
  return channel == null ? {} : { channel };
}
