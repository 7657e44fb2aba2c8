import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFakePagerDuty } from "../packages/pagerduty-tester/src/fake.ts";
import { type Demo, say, show } from "./show.ts";

export const demo: Demo = {
  name: "pagerduty-tester",
  says: "pages each on-call person for real, and finds out who was reached",
  async run() {
    const now = new Date();
    const cron = `${now.getUTCMinutes()} ${now.getUTCHours()} * * * UTC`;
    const folder = await mkdtemp(join(tmpdir(), "pagerduty-tester-"));
    const fake = await startFakePagerDuty({
      services: [{ id: "PTEST" }],
      users: [
        { id: "PSENDER", email: "tester@example.com" },
        { id: "PADA001", answer: { after: 1, channel: "phone" } },
        { id: "PALAN01", answer: { after: "never" } },
      ],
    });
    try {
      await writeFile(
        join(folder, "people.yaml"),
        `verifyMinutes: 0.06
users:
  - { name: Ada Lovelace, id: PADA001, cron: "${cron}" }
  - { name: Alan Turing, id: PALAN01, cron: "${cron}" }
`,
      );
      say(
        "A fake PagerDuty stands in for the account. Ada answers her phone; Alan sleeps through it.",
      );
      await show("pagerduty-tester", ["run", "--once", "--config", "people.yaml"], {
        cwd: folder,
        exits: [1],
        env: {
          PAGERDUTY_API_URL: fake.url,
          PAGERDUTY_TOKEN: "demo",
          SERVICE_ID: "PTEST",
          FROM_EMAIL: "tester@example.com",
          SUBDOMAIN: "acme",
        },
      });
      say(
        `Pages that rang: ${fake.pages.length}. Both incidents are resolved: nothing pages again.`,
      );
    } finally {
      await fake.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
