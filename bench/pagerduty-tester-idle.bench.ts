/** Ten thousand people on one tester: memory, idle CPU and how late the first page leaves. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startFakePagerDuty } from "../packages/pagerduty-tester/src/fake.ts";
import {
  createTester,
  loadConfig,
  PagerDutyClient,
} from "../packages/pagerduty-tester/src/index.ts";
import { printClaims } from "./report.ts";

const people = 10_000;
const idleSeconds = 10;
const folder = await mkdtemp(join(tmpdir(), "pagerduty-tester-bench-"));
const from = "tester@example.com";
const fake = await startFakePagerDuty({
  services: [{ id: "PTEST" }],
  users: [{ id: "PSENDER", email: from }, { id: "P0" }],
});
try {
  // One person is due soon after the idle time; the others at any minute of a month.
  const due = new Date(Math.ceil((Date.now() + (idleSeconds + 8) * 1000) / 1000) * 1000);
  const first = `${due.getUTCSeconds()} ${due.getUTCMinutes()} ${due.getUTCHours()} * * *`;
  const others = Array.from({ length: people - 1 }, (_, index) => {
    const cron = `${index % 60} ${(index * 7) % 24} ${1 + (index % 28)} 1 *`;
    return `  - { name: P${index + 1}, id: P${index + 1}, cron: "${cron} Europe/Berlin" }`;
  });
  const file = join(folder, "people.yaml");
  await writeFile(
    file,
    `service: PTEST\nusers:\n  - { name: P0, id: P0, cron: "${first} UTC" }\n${others.join("\n")}\n`,
  );
  const config = await loadConfig(file, { env: {} });
  const client = new PagerDutyClient({ token: "bench", from, apiUrl: fake.url });
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();
  const tester = createTester({ config, client, from, journal: join(folder, "journal") });
  const ended = tester.run({ signal: stop.signal, onReady: ready.resolve }).catch(() => {});
  await ready.promise;
  await delay(2_000);
  const before = process.cpuUsage();
  await delay(idleSeconds * 1000);
  const { user, system } = process.cpuUsage(before);
  const cpu = (user + system) / 1e6 / idleSeconds;
  while (fake.incidents.length === 0) await delay(5);
  const drift = (fake.incidents[0]?.createdAt ?? 0) - due.getTime();
  const rss = process.memoryUsage.rss() / 2 ** 20;
  stop.abort();
  await ended;
  printClaims(`pagerduty-tester, ${people} people`, [
    {
      claim: "RSS, the fake included",
      ours: `${rss.toFixed(0)} MB`,
      budget: "≤ 150 MB",
      gated: false,
      met: rss <= 150,
    },
    {
      claim: "idle CPU",
      ours: `${(cpu * 100).toFixed(2)} %`,
      budget: "≤ 1 %",
      gated: false,
      met: cpu <= 0.01,
    },
    {
      claim: "due → incident",
      ours: `${drift} ms`,
      budget: "≤ 1 s",
      gated: false,
      met: drift <= 1000,
    },
  ]);
} finally {
  await fake.close();
  await rm(folder, { recursive: true, force: true });
}
