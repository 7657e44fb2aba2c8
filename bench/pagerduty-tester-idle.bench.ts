/** Ten thousand people on one tester, in a process of its own: memory, timers, idle CPU, how late the first page leaves. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startFakePagerDuty } from "../packages/pagerduty-tester/src/fake.ts";
import type { Probe } from "./pagerduty-tester-probe.ts";
import { printClaims } from "./report.ts";

const people = 10_000;
const idleSeconds = 10;
const zones = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney"];
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const packageFolder = path("../packages/pagerduty-tester/");
execFileSync("npm", ["run", "--silent", "build"], {
  cwd: packageFolder,
  stdio: ["ignore", "ignore", "inherit"],
});

/** One person is due at an instant to come; the others at any minute of a month. */
function configuration(due: Date): string {
  const first = `${due.getUTCSeconds()} ${due.getUTCMinutes()} ${due.getUTCHours()} * * * UTC`;
  const others = Array.from({ length: people - 1 }, (_, index) => {
    const cron = `${index % 60} ${(index * 7) % 24} ${1 + (index % 28)} 1 *`;
    return `  - { name: P${index + 1}, id: P${index + 1}, cron: "${cron} ${zones[index % 4]}" }`;
  });
  const all = [`  - { name: P0, id: P0, cron: "${first}" }`, ...others];
  return `service: PTEST\nusers:\n${all.join("\n")}\n`;
}

interface Measured {
  rss: number;
  peak: number;
  idleCpu: number;
  timers: number;
  driftMs: number;
}

async function ask(child: ChildProcess): Promise<Probe> {
  child.send("probe");
  const [probe] = await once(child, "message");
  return probe;
}

/** Runs a process until it is ready, idle, and due; `paged` waits for the first person and gives the instant. */
async function measure(
  args: string[],
  env: NodeJS.ProcessEnv,
  world: { ready: RegExp; due: Date; paged(output: () => string): Promise<number> },
): Promise<Measured> {
  const child = spawn(process.execPath, ["--import", path("pagerduty-tester-probe.ts"), ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  const readable = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (text) => {
      output += text;
      if (world.ready.test(output)) readable.resolve();
    });
  }
  child.once("exit", (code) => readable.reject(new Error(`ended with ${code}:\n${output}`)));
  try {
    await readable.promise;
    // What the start left behind is tidied up by then.
    await delay(15_000);
    const before = await ask(child);
    await delay(idleSeconds * 1000);
    const { rss, peak, timers, cpu } = await ask(child);
    const at = await world.paged(() => output);
    const idleCpu = (cpu - before.cpu) / idleSeconds;
    return { rss, peak, timers, idleCpu, driftMs: at - world.due.getTime() };
  } finally {
    child.kill("SIGKILL");
  }
}

const startSeconds = 50;
const dueIn = (seconds: number) => new Date(Math.ceil((Date.now() + seconds * 1000) / 1000) * 1000);
const folder = await mkdtemp(join(tmpdir(), "pagerduty-tester-bench-"));
const from = "tester@example.com";
const fake = await startFakePagerDuty({
  services: [{ id: "PTEST" }],
  users: [{ id: "PSENDER", email: from }, { id: "P0" }],
});
try {
  const file = join(folder, "people.yaml");
  const due = dueIn(startSeconds);
  await writeFile(file, configuration(due));
  const ours = await measure(
    [join(packageFolder, "dist/cli.js"), "run", "--config", file],
    { PAGERDUTY_API_URL: fake.url, PAGERDUTY_TOKEN: "bench", FROM_EMAIL: from },
    {
      ready: /following the schedule/,
      due,
      paged: async () => {
        while (fake.incidents.length === 0) await delay(5);
        return fake.incidents[0]?.createdAt ?? Number.NaN;
      },
    },
  );
  const dueOfPeer = dueIn(startSeconds);
  await writeFile(file, configuration(dueOfPeer));
  const peer = await measure(
    [path("../packages/pagerduty-tester/scripts/naive-peer.ts"), file],
    {},
    {
      ready: /ready/,
      due: dueOfPeer,
      paged: async (output) => {
        while (!/^P0 \d+/m.test(output())) await delay(5);
        return Number(output().match(/^P0 (\d+)/m)?.[1]);
      },
    },
  );
  const mb = (value: number) => `${value.toFixed(0)} MB`;
  const percent = (value: number) => `${(value * 100).toFixed(2)} %`;
  printClaims(`pagerduty-tester, ${people} people; the peer is a croner job for each of them`, [
    {
      claim: "RSS",
      ours: `${mb(ours.rss)}, at most ${mb(ours.peak)}`,
      peer: `${mb(peer.rss)}, at most ${mb(peer.peak)}`,
      figure: `${(peer.rss / ours.rss).toFixed(1)}×`,
      budget: "≤ 150 MB",
      gated: false,
      met: ours.rss <= 150,
    },
    {
      claim: "timers",
      ours: `${ours.timers}`,
      peer: `${peer.timers}`,
      budget: "1",
      gated: false,
      met: ours.timers === 1,
    },
    {
      claim: "idle CPU",
      ours: percent(ours.idleCpu),
      peer: percent(peer.idleCpu),
      budget: "≤ 1 %",
      gated: false,
      met: ours.idleCpu <= 0.01,
    },
    {
      claim: "due → incident; the peer: due → call",
      ours: `${ours.driftMs} ms`,
      peer: `${peer.driftMs} ms`,
      budget: "≤ 1 s",
      gated: false,
      met: ours.driftMs <= 1000,
    },
  ]);
} finally {
  await fake.close();
  await rm(folder, { recursive: true, force: true });
}
