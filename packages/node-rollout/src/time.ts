/**
 * The instant of a Kubernetes timestamp, in milliseconds. The client gives a `Date` from a list and a string from a
 * watch, and a manifest anything.
 */
export function instantOf(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  const instant = value instanceof Date ? value.getTime() : Date.parse(String(value));
  return Number.isNaN(instant) ? undefined : instant;
}

/** Kubernetes writes an object's creation in whole seconds: what is compared with it must be, too. */
export function wholeSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/** Seconds in words: `42 s`, `7 min`, `3 h 20 min`. */
export function secondsText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 120) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 120) return `${minutes} min`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest === 0 ? "" : ` ${rest} min`}`;
}
