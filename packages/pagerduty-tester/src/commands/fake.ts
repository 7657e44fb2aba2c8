import { command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import { parseNumber } from "@internal/lib/numbers";
import type { FakeAnswer, FakeUser } from "../fake/model.ts";
import { configOption } from "./options.ts";

export const fake = command({
  name: "fake",
  usage: "[OPTION…]",
  summary: "Runs a fake PagerDuty, to try everything without an account.",
  details: `HOW is what a person does with a page: never, or seconds, then optionally the action, the
channel and who does it instead: 8, 8:acknowledge, 8:acknowledge:sms, 8:resolve:phone:POTHER.
Without --answer people resolve by phone after 2 seconds. /control/state shows what happened; POST
people, services, switches and faults to /control/… to change it while it runs.`,
  options: {
    ...configOption,
    port: { value: "P", help: "default 8910; 0 for any free one" },
    person: { value: "ID", multiple: true, help: "a person who exists, besides those of --config" },
    service: { value: "ID", multiple: true, help: "a service that exists; default PTEST" },
    answer: { value: "ID=HOW", multiple: true, help: "what a person does with a page" },
    "rate-limit": { value: "N", help: "new incidents a minute and service; default 6" },
  },
  examples: [
    { line: "pagerduty-tester fake --config people.yaml", does: "the people of a configuration" },
    { line: "pagerduty-tester fake --person PADA --answer PADA=never", does: "one who sleeps" },
  ],
  endsClean: true,
  async run({ values, signal, io }) {
    const { startFakePagerDuty } = await import("../fake/server.ts");
    const limit = parseNumber("--rate-limit", values["rate-limit"] ?? "6", {
      whole: true,
      from: 1,
    });
    const port = parseNumber("--port", values.port ?? "8910", { whole: true, to: 65_535 });
    const { people, services } = await membersOf(values, io.env);
    for (const text of values.answer ?? []) addAnswer(people, text);
    const sender = { id: "PSENDER", email: io.env["FROM_EMAIL"] ?? "tester@example.com" };
    const server = await startFakePagerDuty({
      port,
      users: [...people.values(), sender],
      services: services.map((id) => ({ id })),
      rateLimit: { limit, seconds: 60 },
    });
    io.stdout.write(`the fake PagerDuty listens; in another shell:
export PAGERDUTY_API_URL=${server.url} PAGERDUTY_TOKEN=any
export SERVICE_ID=${services[0]} FROM_EMAIL=${sender.email}
`);
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    }
    await server.close();
    return 0;
  },
});

async function membersOf(
  values: { config?: string; person?: string[]; service?: string[] },
  env: NodeJS.ProcessEnv,
): Promise<{ people: Map<string, FakeUser>; services: string[] }> {
  const people = new Map((values.person ?? []).map((id): [string, FakeUser] => [id, { id }]));
  const services = new Set(values.service ?? []);
  if (values.config !== undefined) {
    const { loadConfig } = await import("../config.ts");
    const config = await loadConfig(values.config, { env });
    for (const { id, name, service } of config.users) {
      people.set(id, { id, name });
      if (service !== undefined) services.add(service);
    }
  }
  if (services.size === 0) services.add(env["SERVICE_ID"] ?? "PTEST");
  return { people, services: [...services] };
}

function addAnswer(people: Map<string, FakeUser>, text: string): void {
  const [id = "", how = ""] = text.split("=");
  people.set(id, { ...(people.get(id) ?? { id }), answer: parseAnswer(text, how) });
}

function parseAnswer(text: string, how: string): FakeAnswer {
  if (how === "never") return { after: "never" };
  const [after = "", action = "resolve", channel = "phone", by] = how.split(":");
  if (!/^\d+(\.\d+)?$/.test(after) || (action !== "acknowledge" && action !== "resolve")) {
    throw new UsageError(
      `--answer ${text}: expected ID=never, or ID=SECONDS[:acknowledge|resolve[:CHANNEL[:ID]]]`,
    );
  }
  return { after: Number(after), action, channel, ...(by === undefined ? {} : { by }) };
}
