import { join } from "node:path";
import type { Clock } from "../src/clock.ts";
import type { FakePagerDuty, FakePagerDutyOptions } from "../src/fake.ts";
import {
  type Config,
  createTester,
  loadConfig,
  PagerDutyClient,
  type Run,
  type Tester,
  type TesterEvent,
  type Timeouts,
} from "../src/index.ts";
import { environment, folderWith, from, startAccount, token } from "./world.ts";

/**
 * Hours in a second: the clock is turned to the next thing that anybody waits for, as soon as no request is under
 * way. Requests are real HTTP against the fake, which lives by the same clock.
 */
export interface Simulation {
  clock: Clock;
  fake: FakePagerDuty;
  events: TesterEvent[];
  config: Config;
  /** Starts a tester with the one journal; `stop` ends it as SIGTERM does. */
  start(): Promise<{ tester: Tester; stop(): Promise<void> }>;
  /** Turns the clock until it shows this time. */
  until(time: string | Date): Promise<void>;
  /** Sets the wall clock forward or back, as an administrator does; timers run on as they did. */
  set(byMs: number): void;
  client(): PagerDutyClient;
  /** Runs with a verdict, by the person's id. */
  verdicts(): Record<string, string[]>;
  runs(): Run[];
}

interface Sleeper {
  at: number;
  wake(): void;
}

export async function simulate(
  start: string,
  people: string,
  options: FakePagerDutyOptions & { settings?: string; timeouts?: Partial<Timeouts> } = {},
): Promise<Simulation> {
  // Timers live by one clock, the wall shows another.
  let monotonic = 0;
  let wallAtZero = Date.parse(start);
  let underWay = 0;
  const sleepers: Sleeper[] = [];
  const clock: Clock = {
    now: () => wallAtZero + monotonic,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const sleeper = { at: monotonic + Math.max(0, milliseconds), wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener(
          "abort",
          () => {
            const index = sleepers.indexOf(sleeper);
            if (index >= 0) sleepers.splice(index, 1);
            reject(signal.reason);
          },
          { once: true },
        );
      }),
  };

  async function quiet(): Promise<void> {
    // A request that ended wakes others, and those may send the next one.
    for (let rounds = 0; rounds < 8; rounds += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (underWay > 0) rounds = 0;
    }
  }

  async function until(time: string | Date): Promise<void> {
    const end = new Date(time).getTime() - wallAtZero;
    while (true) {
      await quiet();
      const next = sleepers.reduce<Sleeper | undefined>(
        (first, each) => (first === undefined || each.at < first.at ? each : first),
        undefined,
      );
      if (next === undefined || next.at > end) break;
      sleepers.splice(sleepers.indexOf(next), 1);
      monotonic = Math.max(monotonic, next.at);
      next.wake();
    }
    monotonic = Math.max(monotonic, end);
  }

  const { settings = "", timeouts = {}, ...account } = options;
  const fake = await startAccount({ clock, ...account });
  const folder = folderWith({ "c.yaml": `${settings}\nusers:\n${people}\n` });
  const config = await loadConfig(join(folder, "c.yaml"), { env: environment(fake) });
  const client = () =>
    new PagerDutyClient({
      ...{ token, from, timeouts, apiUrl: fake.url },
      onRequest: ({ phase }) => {
        underWay += phase === "begin" ? 1 : -1;
      },
    });
  const events: TesterEvent[] = [];
  const runs = () => events.flatMap((event) => (event.type === "verdict" ? [event.run] : []));
  return {
    clock,
    fake,
    events,
    config,
    until,
    set: (byMs) => {
      wallAtZero += byMs;
    },
    client,
    start: async () => {
      const tester = createTester({
        ...{ config, from, clock, client: client() },
        journal: join(folder, "journal"),
        onEvent: (event) => events.push(event),
      });
      const end = new AbortController();
      const ended = tester.run({ signal: end.signal }).catch((error: unknown) => {
        if (!end.signal.aborted) throw error;
      });
      await quiet();
      return {
        tester,
        stop: () => {
          end.abort();
          return ended;
        },
      };
    },
    runs,
    verdicts: () => {
      const found: Record<string, string[]> = {};
      for (const { user, outcome } of runs()) {
        found[user.id] = [...(found[user.id] ?? []), outcome?.verdict ?? ""];
      }
      return found;
    },
  };
}

/** Lines of a configuration: so many people with one schedule. */
export function crowd(count: number, cron: string, more = ""): string {
  return Array.from(
    { length: count },
    (_, index) => `  - { name: P${index}, id: P${index}, cron: "${cron}"${more} }`,
  ).join("\n");
}
