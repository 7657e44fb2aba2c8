import { formatPlace } from "@internal/lib/errors";
import { ConfigError, readConfig } from "@internal/lib/yaml-config";
import { accountFields, configSchema, type EscalationVerdict } from "./config-schema.ts";
import { type DoNotDisturb, parseDoNotDisturb } from "./schedule/do-not-disturb.ts";
import type { Schedule } from "./schedule/schedule.ts";

/** A person who is paged on a schedule. */
export interface TestedUser {
  name: string;
  id: string;
  /** As written in the configuration. */
  cron: string;
  timeZone: string;
  schedule: Schedule;
  /** Undefined when neither the configuration nor SERVICE_ID names one. */
  service: string | undefined;
  verifyMs: number;
  /** How late a page may be sent; undefined for the default, see `maxLatenessOf`. */
  maxLatenessMs: number | undefined;
  doNotDisturb: DoNotDisturb | undefined;
}

/** A configuration, every default filled in. Durations are milliseconds. */
export interface Config {
  file: string;
  users: TestedUser[];
  from: string | undefined;
  subdomain: string | undefined;
  apiUrl: string;
  verifyMs: number;
  ratePerMinute: number;
  catchUpMs: number;
  pollMs: number;
  listLagMs: number;
  keepMs: number;
  escalation: { webhook: string; on: readonly EscalationVerdict[] } | undefined;
  heartbeat: string | undefined;
  roster: { teams: string[]; escalationPolicies: string[] };
  /** Warnings with their place in the file. */
  placeOfUser(index: number, field: "cron" | "id" | "doNotDisturb"): string;
}

const apiUrls = { us: "https://api.pagerduty.com", eu: "https://api.eu.pagerduty.com" };
const day = 24 * 3600 * 1000;

/**
 * Reads a configuration: the plain list of `name`, `id` and `cron`, or the fuller form.
 *
 * @param file a YAML file
 * @param options.env gives what the file leaves open: SERVICE_ID, FROM_EMAIL, SUBDOMAIN; its
 *   PAGERDUTY_API_URL wins over the file's region. Default: the process's
 * @throws an error with code `CONFIG` that lists every mistake as `file:line:column: field: what`
 */
export async function loadConfig(
  file: string,
  options: { env?: NodeJS.ProcessEnv } = {},
): Promise<Config> {
  const { env = process.env } = options;
  const { value, placeOf } = await readConfig(file, configSchema);
  const service = value.service ?? fromEnvironment(env, "SERVICE_ID", "service");
  return {
    file,
    users: value.users.map((user) => ({
      name: user.name,
      id: user.id,
      cron: user.cron,
      timeZone: user.schedule.timeZone,
      schedule: user.schedule,
      service: user.service ?? service,
      verifyMs: (user.verifyMinutes ?? value.verifyMinutes) * 60_000,
      maxLatenessMs: user.maxLateness ?? value.maxLateness,
      doNotDisturb:
        user.doNotDisturb === undefined ? undefined : parseDoNotDisturb(user.doNotDisturb),
    })),
    from: value.from ?? fromEnvironment(env, "FROM_EMAIL", "from"),
    subdomain: value.subdomain ?? fromEnvironment(env, "SUBDOMAIN", "subdomain"),
    apiUrl: apiUrlOf(env["PAGERDUTY_API_URL"]) ?? apiUrls[value.region],
    verifyMs: value.verifyMinutes * 60_000,
    ratePerMinute: value.ratePerMinute,
    catchUpMs: value.catchUp,
    pollMs: value.pollSeconds * 1000,
    listLagMs: value.listLagSeconds * 1000,
    keepMs: value.keepDays * day,
    escalation: value.escalation,
    heartbeat: value.heartbeat,
    roster: value.roster ?? { teams: [], escalationPolicies: [] },
    placeOfUser: (index, field) =>
      formatPlace(placeOf(value.plain ? [index, field] : ["users", index, field])),
  };
}

/** A variable's value without the line's end that a secret made by `echo` has. */
function fromEnvironment(
  env: NodeJS.ProcessEnv,
  name: string,
  field: keyof typeof accountFields,
): string | undefined {
  const text = env[name]?.trim() ?? "";
  if (text === "") return undefined;
  const { error } = accountFields[field].safeParse(text);
  if (error !== undefined) throw new ConfigError(`${name}: ${error.issues[0]?.message}`);
  return text;
}

/** How long a page to somebody may be waited for, in milliseconds; who is listed more than once has several times. */
export function longestVerifyMs({ users, verifyMs }: Config, userId: string): number {
  const theirs = users.filter(({ id }) => id === userId);
  return Math.max(verifyMs, ...theirs.map((user) => user.verifyMs));
}

function apiUrlOf(variable: string | undefined): string | undefined {
  const text = variable?.trim() ?? "";
  if (text === "") return undefined;
  if (!URL.canParse(text) || !/^https?:/.test(text)) {
    throw new ConfigError(
      `PAGERDUTY_API_URL is no http or https URL; leave it unset for PagerDuty's own`,
    );
  }
  const { username, password, search, hash } = new URL(text);
  if (username + password + search + hash !== "") {
    throw new ConfigError(
      "PAGERDUTY_API_URL has a user, a query or a fragment; it is an address alone, such as https://api.pagerduty.com",
    );
  }
  return text.replace(/\/+$/, "");
}

/** What paging needs beyond a readable configuration. */
export interface Account {
  token: string;
  from: string;
}

/**
 * The token and the sender, and the proof that every person has a service.
 *
 * @throws an error with code `CONFIG` that names what is missing and where to set it
 */
export function accountOf(config: Config, env: NodeJS.ProcessEnv = process.env): Account {
  const token = env["PAGERDUTY_TOKEN"]?.trim() ?? "";
  if (token === "") {
    throw new ConfigError("PAGERDUTY_TOKEN is not set; it takes a REST API key or an OAuth token");
  }
  // A header cannot carry anything else, and the error of the HTTP library would print it.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new ConfigError("PAGERDUTY_TOKEN has blanks or other characters that no token has");
  }
  if (config.from === undefined) {
    throw new ConfigError(
      `${config.file}: nobody to create incidents as; set from: in it, or FROM_EMAIL, to the login email of a PagerDuty user`,
    );
  }
  const homeless = config.users.find(({ service }) => service === undefined);
  if (homeless !== undefined) {
    throw new ConfigError(
      `${config.file}: no service for ${homeless.name}; set service: in it, or SERVICE_ID, to the id of the test service`,
    );
  }
  return { token, from: config.from };
}
