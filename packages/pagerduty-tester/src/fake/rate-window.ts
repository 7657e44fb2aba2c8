import type { Clock } from "../clock.ts";

/** What one request leaves of a rate window. */
export interface WindowState {
  limit: number;
  remaining: number;
  /** Seconds until it is whole again. */
  reset: number;
  allowed: boolean;
}

/** Counts requests in windows of a fixed length, one a name. */
export function rateWindows(
  clock: Clock,
  limit: number,
  seconds: number,
): (name: string) => WindowState {
  const windows = new Map<string, { startedAt: number; used: number }>();
  return (name) => {
    const now = clock.now();
    let window = windows.get(name);
    if (window === undefined || now >= window.startedAt + seconds * 1000) {
      window = { startedAt: now, used: 0 };
      windows.set(name, window);
    }
    const allowed = window.used < limit;
    if (allowed) window.used += 1;
    return {
      limit,
      remaining: limit - window.used,
      reset: Math.max(1, Math.ceil((window.startedAt + seconds * 1000 - now) / 1000)),
      allowed,
    };
  };
}
