/** A daily span of local time, in minutes after midnight; it may go over midnight. */
export interface DoNotDisturb {
  start: number;
  end: number;
}

const day = 24 * 60;

/** Reads `22:00-07:00`; undefined when it is no such span. */
export function parseDoNotDisturb(text: string): DoNotDisturb | undefined {
  const match = text.match(/^\s*(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\s*$/);
  if (match === null) return undefined;
  const [startHour, startMinute, endHour, endMinute] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  if (startHour > 24 || endHour > 24 || startMinute > 59 || endMinute > 59) return undefined;
  const span = {
    start: (startHour * 60 + startMinute) % day,
    end: (endHour * 60 + endMinute) % day,
  };
  return span.start === span.end ? undefined : span;
}

/** Milliseconds from an instant to the end of the span it lies in, or undefined when it lies outside. */
export function untilEnd(span: DoNotDisturb, at: Date, timeZone: string): number | undefined {
  const sinceStart = (minuteOfDay(at, timeZone) - span.start + day) % day;
  const length = (span.end - span.start + day) % day;
  if (sinceStart >= length) return undefined;
  const left = (length - sinceStart) * minuteMs;
  // A change of summer time before the end brings it nearer, or puts it off.
  const then = minuteOfDay(new Date(at.getTime() + left), timeZone);
  const ahead = ((then - span.end + 1.5 * day) % day) - day / 2;
  return left - ahead * minuteMs;
}

const minuteMs = 60_000;

const formatters = new Map<string, Intl.DateTimeFormat>();

function minuteOfDay(at: Date, timeZone: string): number {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-GB", {
      timeZone,
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
    });
    formatters.set(timeZone, formatter);
  }
  const [hour = 0, minute = 0, second = 0] = formatter.format(at).split(":").map(Number);
  return hour * 60 + minute + second / 60;
}
