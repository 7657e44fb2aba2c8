import { z } from "zod";
import { parseDoNotDisturb } from "./schedule/do-not-disturb.ts";
import { parseSchedule, type Schedule } from "./schedule/schedule.ts";

/** A person, as written in a configuration that was checked. Durations are milliseconds. */
export interface UserEntry {
  name: string;
  id: string;
  cron: string;
  schedule: Schedule;
  service?: string | undefined;
  verifyMinutes?: number | undefined;
  maxLateness?: number | undefined;
  doNotDisturb?: string | undefined;
}

/** A configuration that was checked, its defaults filled in. Durations are milliseconds unless named otherwise. */
export interface ConfigFile {
  users: UserEntry[];
  service?: string | undefined;
  from?: string | undefined;
  subdomain?: string | undefined;
  region: "us" | "eu";
  verifyMinutes: number;
  ratePerMinute: number;
  catchUp: number;
  maxLateness?: number | undefined;
  pollSeconds: number;
  listLagSeconds: number;
  keepDays: number;
  escalation?: { webhook: string; on: EscalationVerdict[] } | undefined;
  heartbeat?: string | undefined;
  roster?: { teams: string[]; escalationPolicies: string[] } | undefined;
}

/** A verdict that can escalate. */
export type EscalationVerdict = "no-response" | "not-notified" | "wrong-person" | "late";

const units = { s: 1000, m: 60_000, h: 3_600_000 };

const durationError = { error: "expected minutes, or a duration such as 90s, 10m or 2h" };

/** `90s`, `10m`, `2h`, or a number of minutes; milliseconds once read. */
const duration = z
  .union(
    [z.number().nonnegative(), z.string().regex(/^\d+(\.\d+)?[smh]$/, durationError)],
    durationError,
  )
  .transform((value) => {
    if (typeof value === "number") return value * 60_000;
    return Number(value.slice(0, -1)) * units[value.slice(-1) as keyof typeof units];
  })
  .meta({ description: "Minutes, or a duration such as 90s, 10m or 2h" });

const positive = z.number().positive();
/** An incident that nobody answers stays open for so long. */
const dayAtMost = positive.max(1440, { error: "expected minutes, a day (1440) at most" });
const url = z.url({ protocol: /^https?$/, error: "expected an http or https URL" });
const id = z.string({ error: "expected PagerDuty's id, such as PABC123" }).regex(/^[A-Za-z0-9]+$/, {
  error: "expected PagerDuty's id, letters and digits such as PABC123",
});

const email = z.email({ error: "expected the login email of a PagerDuty user" });
const subdomain = z
  .string()
  .regex(/^[a-z0-9-]+$/i, { error: "expected ACME of https://ACME.pagerduty.com" });

/** What the environment may say in place of the file. */
export const accountFields: Record<"service" | "from" | "subdomain", z.ZodType<string>> = {
  service: id,
  from: email,
  subdomain,
};

const user = z
  .strictObject({
    name: z.string().min(1).meta({ description: "Shown in the incident's title" }),
    id: id.meta({ description: "The id in the address of the person's PagerDuty profile" }),
    cron: z.string().meta({
      description: 'When to page, the time zone last: "55 6 * * 2#1 America/Los_Angeles"',
    }),
    timeZone: z.string().optional().meta({ description: "Wins over a zone that ends the cron" }),
    service: id.optional().meta({ description: "Instead of the service above" }),
    verifyMinutes: dayAtMost.optional().meta({ description: "Instead of verifyMinutes above" }),
    maxLateness: duration.optional(),
    doNotDisturb: z
      .string()
      .optional()
      .meta({ description: 'Local time in which the phone is silenced: "22:00-07:00"' }),
  })
  .transform((value, context) => {
    if (value.doNotDisturb !== undefined && parseDoNotDisturb(value.doNotDisturb) === undefined) {
      context.addIssue({
        code: "custom",
        path: ["doNotDisturb"],
        message: `"${value.doNotDisturb}": expected two different times, such as "22:00-07:00"`,
      });
    }
    try {
      return { ...value, schedule: parseSchedule(value.cron, value.timeZone) };
    } catch (error) {
      context.addIssue({ code: "custom", path: ["cron"], message: (error as Error).message });
      return z.NEVER;
    }
  });

const users = z
  .array(user, { error: "expected a list of people, each with name, id and cron" })
  .min(1, { error: "the list is empty; add people, each with name, id and cron" })
  .superRefine((list, context) => {
    const seen = new Set<string>();
    list.forEach((each, index) => {
      // The list is looked at although some of its people were refused: those have no schedule.
      if (each.schedule === undefined) return;
      const { pattern, timeZone } = each.schedule;
      const key = `${each.id} ${pattern} ${timeZone}`;
      if (seen.has(key)) {
        context.addIssue({
          code: "custom",
          path: [index, "id"],
          message: `${each.id} is listed twice with the same cron`,
        });
      }
      seen.add(key);
    });
  });

const escalationVerdicts: EscalationVerdict[] = [
  "no-response",
  "not-notified",
  "wrong-person",
  "late",
];

const settings = z.strictObject({
  service: id.optional().meta({ description: "The test service; else SERVICE_ID" }),
  from: email
    .optional()
    .meta({ description: "Login email that incidents are created by; else FROM_EMAIL" }),
  subdomain: subdomain
    .optional()
    .meta({ description: "ACME of https://ACME.pagerduty.com; else SUBDOMAIN" }),
  region: z.enum(["us", "eu"]).default("us").meta({ description: "Where the account lives" }),
  verifyMinutes: dayAtMost
    .default(15)
    .meta({ description: "How long a person has to answer a page" }),
  ratePerMinute: positive
    .default(6)
    .meta({ description: "New incidents a minute and service; PagerDuty's own limit wins" }),
  catchUp: duration.prefault("10m").meta({
    description: "A run missed by at most this, while nothing ran, is made up for",
  }),
  maxLateness: duration.optional().meta({
    description: "A page later than this is not sent. Default: the end of doNotDisturb, else 60m",
  }),
  pollSeconds: positive
    .default(15)
    .meta({ description: "The longest time between two looks at open incidents" }),
  listLagSeconds: z.number().nonnegative().default(30).meta({
    description: "How long a new incident may take to show in PagerDuty's lists",
  }),
  keepDays: positive.default(400).meta({ description: "How long verdicts stay in the journal" }),
  escalation: z
    .strictObject({
      webhook: url.meta({ description: "Gets one POST, JSON, for each page that got no response" }),
      on: z
        .array(z.enum(escalationVerdicts))
        .default(["no-response"])
        .meta({ description: "The verdicts that escalate" }),
    })
    .optional(),
  heartbeat: url.optional().meta({
    description:
      "Gets a GET each minute while the tester works, and after run --once, as healthchecks.io expects it",
  }),
  roster: z
    .strictObject({ teams: z.array(id).default([]), escalationPolicies: z.array(id).default([]) })
    .optional()
    .meta({ description: "Whose members must all be among the users; looked at by check" }),
});

/** The fuller form of the configuration. */
export const fullSchema: z.ZodType<ConfigFile> = settings.extend({ users });

/** The original's form: nothing but the list of people. */
export const plainSchema: z.ZodType<UserEntry[]> = users;

/** A configuration in either form; mistakes keep the paths of the form that was written. */
export const configSchema: z.ZodType<ConfigFile & { plain: boolean }> = z
  .unknown()
  .transform((value, context) => {
    if (value === null || typeof value !== "object") {
      const message =
        "expected a list of people, or users: with such a list and settings beside it";
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    }
    const plain = Array.isArray(value);
    const result = plain ? plainSchema.safeParse(value) : fullSchema.safeParse(value);
    if (result.success) {
      return plain
        ? { ...settings.parse({}), users: result.data as UserEntry[], plain }
        : { ...(result.data as ConfigFile), plain };
    }
    for (const { path, message } of result.error.issues) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
    return z.NEVER;
  });
