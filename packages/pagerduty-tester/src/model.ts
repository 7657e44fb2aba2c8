/** PagerDuty's things as far as we read them. Unknown fields are left alone; what may be missing is optional. */
import { z } from "zod";

const reference = z.object({ id: z.string(), type: z.string().optional() });
const text = z.string().nullish();

export const incidentSchema: z.ZodType<Incident> = z.object({
  id: z.string(),
  html_url: text,
  incident_key: text,
  status: text,
  created_at: text,
  service: reference.nullish(),
  assignments: z.array(z.object({ assignee: reference })).nullish(),
});

export const logEntrySchema: z.ZodType<LogEntry> = z.object({
  id: z.string(),
  type: z.string(),
  created_at: z.string(),
  agent: reference.nullish(),
  user: reference.nullish(),
  channel: z
    .object({
      type: text,
      notification: z.object({ type: text, status: text }).nullish(),
    })
    .nullish(),
});

export const userSchema: z.ZodType<User> = z.object({
  id: z.string(),
  name: text,
  email: text,
  role: text,
  invitation_sent: z.boolean().nullish(),
  contact_methods: z
    .array(
      z.object({
        id: z.string(),
        type: text,
        enabled: z.boolean().nullish(),
        blacklisted: z.boolean().nullish(),
      }),
    )
    .nullish(),
  notification_rules: z
    .array(
      z.object({
        urgency: text,
        start_delay_in_minutes: z.number().nullish(),
        contact_method: reference.nullish(),
      }),
    )
    .nullish(),
});

export const serviceSchema: z.ZodType<Service> = z.object({
  id: z.string(),
  name: text,
  status: text,
  acknowledgement_timeout: z.number().nullish(),
  auto_resolve_timeout: z.number().nullish(),
  escalation_policy: reference.nullish(),
});

export const maintenanceWindowSchema: z.ZodType<MaintenanceWindow> = z.object({
  id: z.string(),
  start_time: z.string(),
  end_time: z.string(),
});

/** An incident, as PagerDuty's REST API gives it. */
export interface Incident {
  id: string;
  html_url?: string | null | undefined;
  incident_key?: string | null | undefined;
  status?: string | null | undefined;
  /** ISO 8601, in whole seconds. */
  created_at?: string | null | undefined;
  service?: Reference | null | undefined;
  /** Empty once it is resolved. */
  assignments?: { assignee: Reference }[] | null | undefined;
}

export interface Reference {
  id: string;
  type?: string | undefined;
}

/** An entry of an incident's log. */
export interface LogEntry {
  id: string;
  /** `notify_log_entry`, `acknowledge_log_entry`, `resolve_log_entry` and others. */
  type: string;
  created_at: string;
  /** Who did it. */
  agent?: Reference | null | undefined;
  /** Whom a notification went to. */
  user?: Reference | null | undefined;
  channel?:
    | {
        type?: string | null | undefined;
        notification?:
          | { type?: string | null | undefined; status?: string | null | undefined }
          | null
          | undefined;
      }
    | null
    | undefined;
}

type Text = string | null | undefined;

/** A PagerDuty user, with contact methods and notification rules where they were asked for. */
export interface User {
  id: string;
  name?: Text;
  email?: Text;
  role?: Text;
  /** The invitation was sent and not accepted yet. */
  invitation_sent?: boolean | null | undefined;
  contact_methods?:
    | {
        id: string;
        type?: Text;
        enabled?: boolean | null | undefined;
        blacklisted?: boolean | null | undefined;
      }[]
    | null
    | undefined;
  notification_rules?:
    | {
        urgency?: Text;
        start_delay_in_minutes?: number | null | undefined;
        contact_method?: Reference | null | undefined;
      }[]
    | null
    | undefined;
}

/** A PagerDuty service. */
export interface Service {
  id: string;
  name?: Text;
  /** active, warning, critical, maintenance or disabled. */
  status?: Text;
  /** Seconds; null for never. */
  acknowledgement_timeout?: number | null | undefined;
  /** Seconds; null for never. */
  auto_resolve_timeout?: number | null | undefined;
  escalation_policy?: Reference | null | undefined;
}

/** A time in which a service makes no incidents. */
export interface MaintenanceWindow {
  id: string;
  start_time: string;
  end_time: string;
}
