/** Spaces the requests that create incidents on one service. */
export interface Pacer {
  /** Milliseconds until the next request may go out; 0 for now. */
  waitMs(now: number): number;
  /** Counts a request that goes out now. */
  take(now: number): void;
  /** Sends nothing for so long, or for as long as it was told before: PagerDuty's own limit is reached. */
  pause(now: number, milliseconds: number): void;
}

const noPause = { from: Number.NEGATIVE_INFINITY, until: Number.NEGATIVE_INFINITY };

/**
 * At most so many requests in any minute, so that a server that counts in fixed minutes never sees more either.
 *
 * @param perMinute may be a fraction: 0.5 is one in two minutes
 */
export function createPacer(perMinute: number): Pacer {
  const burst = Math.max(1, Math.floor(perMinute));
  const windowMs = (burst / perMinute) * 60_000;
  const sent: number[] = [];
  let pause = noPause;
  return {
    waitMs: (now) => {
      // A clock that was set back must not stop us for as long as it was set.
      if ((sent.at(-1) ?? 0) > now) sent.length = 0;
      if (pause.from > now) pause = noPause;
      const full = sent.length === burst ? (sent[0] ?? 0) + windowMs - now : 0;
      return Math.max(0, full, pause.until - now);
    },
    take: (now) => {
      sent.push(now);
      if (sent.length > burst) sent.shift();
    },
    pause: (now, milliseconds) => {
      pause = { from: now, until: Math.max(pause.until, now + milliseconds) };
    },
  };
}
