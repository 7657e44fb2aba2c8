/**
 * What a waiter costs, and a start: requests an hour, memory, time to the command; beside operator-lib's leader for
 * life and client-go's lease election on the same cluster. The executable is measured too where
 * `npm run build:binary -w kube-leader` has made it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type AuditEntry, startCluster } from "@internal/test/cluster";
import { component } from "@internal/test/components";
import {
  type Candidate,
  type Elector,
  endAll,
  kubeLeader,
  makePod,
  memoryOf,
  mounted,
  rights,
} from "./kube-leader-pods.ts";
import { type Claim, median, printClaims } from "./report.ts";

/** operator-lib's pauses have grown to the longest by then. */
const steadyAfterMs = 35_000;
const windowMs = 60_000;
const restarts = 20;

const root = fileURLToPath(new URL("../packages/kube-leader/", import.meta.url));
execFileSync("npm", ["run", "--silent", "build"], {
  cwd: root,
  stdio: ["ignore", "ignore", "inherit"],
});
const binary = `${root}binary/kube-leader-linux-${process.arch}`;
const script = `${root}binary/kube-leader.cjs`;
const named =
  (...program: string[]): Elector =>
  (lock, command) => [...program, "--name", lock, "--", ...command];
const electors: Record<string, Elector> = {
  node: kubeLeader,
  ...(existsSync(script) ? { cjs: named(process.execPath, script) } : {}),
  ...(existsSync(binary) ? { binary: named(binary) } : {}),
  "operator-lib": mounted(await component("operator-lib-leader")),
  "client-go": mounted(await component("client-go-lease")),
};

await using cluster = await startCluster();
await using namespace = await cluster.namespace("waiting");
const log = await cluster.auditLog();

/** A leader and a waiter of one kind, under an account whose requests can be told from all others. */
async function pair(name: string, elector: Elector, restarts: number) {
  const { user } = await namespace.serviceAccount(name, rights);
  const pod = (which: string) =>
    makePod(cluster, namespace, { name: `${name}-${which}`, account: name });
  const [home, away] = [await pod("leader"), await pod("waiter")];
  let leader = home.start(elector, name);
  await leader.led;
  const starts: number[] = [];
  // The container is restarted, again and again: the same pod leads again.
  while (starts.length < restarts) {
    await leader.end();
    const began = performance.now();
    leader = home.start(elector, name);
    starts.push((await leader.led) - began);
  }
  return { name, user, leader, startMs: median(starts), waiter: away.start(elector, name) };
}

try {
  const pairs = [];
  // One after the other: a start is not measured beside another's. A lease is not given back to its pod at once.
  for (const [name, elector] of Object.entries(electors)) {
    pairs.push(await pair(name, elector, name === "client-go" ? 0 : restarts));
  }
  await sleep(steadyAfterMs);
  const since = Date.now();
  await sleep(windowMs);
  const until = Date.now();
  const entries = await log.entries();
  const measured = pairs.map(({ name, user, waiter, leader, startMs }) => {
    const waiterPod = entries.filter(({ user: by }) => by === user);
    const inWindow = waiterPod.filter(({ at }) => at.getTime() > since && at.getTime() < until);
    return {
      name,
      startMs,
      hourly: (inWindow.length * 3_600_000) / windowMs,
      watches: openWatches(waiterPod),
      memory: memoryOf(waiter.child),
      left: processesBeside(leader),
    };
  });
  printClaims("kube-leader: waiting and starting", claims(measured));
} finally {
  await endAll();
}

/** Seconds after which each of a waiter's two watches asks anew. The last of each resource is the open one. */
function openWatches(entries: AuditEntry[]): number[] {
  const last = new Map<string, number>();
  for (const { verb, resource, uri } of entries) {
    const seconds = Number(new URLSearchParams(uri.split("?")[1]).get("timeoutSeconds"));
    if (verb === "watch") last.set(resource, seconds);
  }
  return [...last.values()];
}

/** The process that was started is the command, without children, or the parent that stays beside it. */
function processesBeside({ child }: Candidate): number {
  const tasks = readdirSync(`/proc/${child.pid}/task`);
  return tasks.flatMap((task) =>
    readFileSync(`/proc/${child.pid}/task/${task}/children`, "latin1").split(" ").filter(Boolean),
  ).length;
}

function helpOver(...program: string[]): number {
  const time = (...[command = "", ...args]: string[]) => {
    const began = performance.now();
    spawnSync(command, args);
    return performance.now() - began;
  };
  const rounds = Array.from({ length: 15 }, () => [
    time(...program, "--help"),
    time(process.execPath, "-e", "0"),
  ]);
  return median(rounds.map(([help = 0]) => help)) - median(rounds.map(([, bare = 0]) => bare));
}

function claims(measured: Measured[]): Claim[] {
  const of = (name: string) => measured.find((one) => one.name === name);
  const ours = of("node") as Measured;
  const exe = of("binary");
  const cjs = of("cjs");
  const [operatorLib, lease] = [of("operator-lib"), of("client-go")];
  // In the window nothing is asked; an hour has as many requests as watches that end in it.
  const renewals = ours.watches.reduce((sum, seconds) => sum + 3600 / seconds, 0);
  const hourly = ours.hourly + renewals;
  const memory = ({ memory: { rss, own } }: Measured) =>
    `${rss.toFixed(0)} MB (${own.toFixed(0)} its own)`;
  const { startMs: start } = ours;
  const also = [
    cjs && `one file ${cjs.startMs.toFixed(0)} ms`,
    exe && `executable ${exe.startMs.toFixed(0)} ms`,
  ].filter(Boolean);
  const help = helpOver(process.execPath, `${root}dist/cli.js`);
  return [
    {
      claim: "requests an hour, waiting",
      ours: `${ours.hourly} in the window, ${ours.watches.length} watches of ${ours.watches.join(" and ")} s`,
      peer: `operator-lib ${operatorLib?.hourly}, client-go ${lease?.hourly} with its leader's`,
      figure: hourly.toFixed(0),
      budget: "≤ 60",
      gated: true,
      met: hourly <= 60 && ours.watches.length === 2,
    },
    {
      claim: "processes beside the command",
      ours: `${ours.left}`,
      peer: `operator-lib ${operatorLib?.left}, client-go ${lease?.left}`,
      budget: "0",
      gated: true,
      met: ours.left === 0,
    },
    {
      claim: "memory of a waiter, Node",
      ours: memory(ours),
      peer: `operator-lib ${operatorLib && memory(operatorLib)}, client-go ${lease && memory(lease)}`,
      budget: "≤ 60 MB",
      gated: false,
      met: ours.memory.rss <= 60,
    },
    ...(exe === undefined
      ? []
      : [
          {
            claim: "memory of a waiter, executable",
            ours: memory(exe),
            budget: "≤ 90 MB",
            gated: false,
            met: exe.memory.rss <= 90,
          },
        ]),
    {
      claim: "restart in the same pod to the command",
      ours: [`${start.toFixed(0)} ms`, ...also].join(", "),
      peer: `operator-lib ${operatorLib?.startMs.toFixed(0)} ms`,
      budget: "≤ 100 ms",
      gated: false,
      met: start <= 100,
    },
    {
      claim: "--help over bare Node",
      ours: `${help.toFixed(0)} ms`,
      budget: "≤ 100 ms",
      gated: false,
      met: help <= 100,
    },
  ];
}

interface Measured {
  name: string;
  startMs: number;
  hourly: number;
  watches: number[];
  memory: { rss: number; own: number };
  left: number;
}
