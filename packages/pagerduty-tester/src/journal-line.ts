import { z } from "zod";
import type { JournalRecord } from "./run.ts";
import { meanings } from "./words.ts";

const instant = z.string().refine((text) => !Number.isNaN(Date.parse(text)));
const milliseconds = z.number().optional();
const record = z.object({ key: z.string(), at: instant });

/** Of a record what we read; what a later version adds to it is left alone. */
const records = z.discriminatedUnion("event", [
  record.extend({
    event: z.literal("planned"),
    user: z.object({ id: z.string(), name: z.string() }),
    service: z.string(),
    scheduledAt: instant,
  }),
  record.extend({
    event: z.literal("created"),
    incident: z.object({
      id: z.string(),
      url: z.string(),
      createdAt: instant,
      sentAt: instant,
      verifyMs: z.number(),
      status: z.string().optional(),
    }),
  }),
  record.extend({
    event: z.literal("verdict"),
    outcome: z.object({
      verdict: z.enum(Object.keys(meanings)),
      notifiedAfterMs: milliseconds,
      respondedAfterMs: milliseconds,
      acknowledgedAfterMs: milliseconds,
      resolvedAfterMs: milliseconds,
      channel: z.string().optional(),
      evidence: z.array(z.string()),
      reason: z.string().optional(),
    }),
  }),
  record.extend({
    event: z.enum([
      "sending",
      "not-accepted",
      "escalating",
      "escalated",
      "escalation-failed",
      "resolved",
      "dropped",
    ]),
  }),
]);

/**
 * A line of a journal, or undefined when it is none that this version knows: what a later one wrote may say that a
 * page was sent, and must not be read as if it said nothing.
 */
export function parseLine(line: string): JournalRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return records.safeParse(value).success ? (value as JournalRecord) : undefined;
}
