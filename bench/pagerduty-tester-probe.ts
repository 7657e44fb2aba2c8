/** Loaded into a measured process by `node --import`: answers each message of its parent with what it takes. */
import { readFileSync } from "node:fs";

/** What a process takes. */
export interface Probe {
  /** Megabytes, and the most it ever took. */
  rss: number;
  peak: number;
  /** Seconds of CPU since its start. */
  cpu: number;
  timers: number;
}

process.on("message", () => {
  const status = readFileSync("/proc/self/status", "utf8");
  const megabytes = (name: string) =>
    Number(status.match(new RegExp(`^${name}:\\s+(\\d+)`, "m"))?.[1]) / 1024;
  const { user, system } = process.cpuUsage();
  const probe: Probe = {
    rss: megabytes("VmRSS"),
    peak: megabytes("VmHWM"),
    cpu: (user + system) / 1e6,
    timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
  };
  process.send?.(probe);
});
process.channel?.unref();
