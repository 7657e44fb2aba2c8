import type { TestedUser } from "./config.ts";
import type { Run } from "./run.ts";
import { untilEnd } from "./schedule/do-not-disturb.ts";

/** What to do for a page of which PagerDuty lists no incident. */
export type Step =
  | { do: "send" }
  /** A request may have been accepted, and lists may not show it yet. */
  | { do: "wait"; milliseconds: number }
  | { do: "give-up"; verdict: "missed" | "unknown"; reason: string };

/** Requests of one run that got no answer. More would not find out more. */
const mostAttempts = 3;

/**
 * The step that never pages twice: a request whose predecessor got no answer is sent only after lists have had
 * the time to show what that one created.
 *
 * @param run of which a look-up by key, over all statuses, has just found no incident
 */
export function nextStep(
  run: Pick<Run, "doubtSince" | "attempts" | "scheduledAt">,
  now: number,
  limits: { listLagMs: number; maxLatenessMs: number },
): Step {
  const { doubtSince, attempts, scheduledAt } = run;
  if (doubtSince !== undefined) {
    // Clamped, so that a clock that was set back makes nobody wait for longer.
    const age = Math.max(0, now - doubtSince.getTime());
    if (age < limits.listLagMs) return { do: "wait", milliseconds: limits.listLagMs - age };
    if (attempts >= mostAttempts) {
      const reason = `${attempts} requests got no answer, and PagerDuty lists no incident of theirs`;
      return { do: "give-up", verdict: "unknown", reason };
    }
  }
  if (now - scheduledAt.getTime() <= limits.maxLatenessMs) return { do: "send" };
  return doubtSince === undefined
    ? { do: "give-up", verdict: "missed", reason: "its turn came too late" }
    : {
        do: "give-up",
        verdict: "unknown",
        reason:
          "a request got no answer, PagerDuty lists no incident, and it is too late to send again",
      };
}

const anHour = 3_600_000;

/** How late a page may be sent: as configured, else until the person's do-not-disturb ends, else an hour. */
export function maxLatenessOf(
  user: Pick<TestedUser, "maxLatenessMs" | "doNotDisturb" | "timeZone">,
  scheduledAt: Date,
): number {
  if (user.maxLatenessMs !== undefined) return user.maxLatenessMs;
  if (user.doNotDisturb === undefined) return anHour;
  return untilEnd(user.doNotDisturb, scheduledAt, user.timeZone) ?? anHour;
}

/**
 * Milliseconds until a failed request is tried again.
 *
 * @param askedMs what PagerDuty asked for; less than nothing at all would be a storm
 */
export function backoffMs(failures: number, askedMs = 0): number {
  return Math.max(askedMs, Math.min(30_000, 1_000 * 2 ** failures));
}
