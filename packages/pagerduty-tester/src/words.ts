import type { Verdict } from "./verdict.ts";

/** `12.3 s`, and from two minutes on `15 min 30 s`. */
export function seconds(milliseconds: number): string {
  if (milliseconds < 120_000) return `${Math.round(milliseconds / 100) / 10} s`;
  const whole = Math.round(milliseconds / 1000);
  const rest = whole % 60;
  return `${Math.floor(whole / 60)} min${rest === 0 ? "" : ` ${rest} s`}`;
}

/** What each verdict says of the person, in a sentence. */
export const meanings: Record<Verdict, string> = {
  pass: "answered in time",
  late: "answered after the deadline",
  "no-response": "the page was handed to a carrier, and nobody answered",
  "not-notified": "PagerDuty handed no page over",
  "wrong-person": "somebody else answered",
  "self-assigned": "incidents are created as this person, and PagerDuty pages nobody for those",
  refused: "PagerDuty refused the incident",
  skipped: "was in a real incident",
  unknown: "the API gave no answer that tells",
  missed: "nothing was sent in time",
};
