/**
 * Names without a slash that are zones of the tz database and mean one thing. The other short names that
 * `Intl` takes are abbreviations: IST is India's there and Israel's elsewhere, EST has no summer time.
 */
const shortNames = new Set(
  // `Intl` takes any case.
  (
    "UTC GMT UCT Universal Zulu Greenwich CET EET MET WET EST5EDT CST6CDT MST7MDT PST8PDT GB NZ PRC ROC ROK " +
    "Cuba Egypt Eire Hongkong Iceland Iran Israel Jamaica Japan Kwajalein Libya Navajo Poland Portugal Singapore Turkey W-SU"
  )
    .toUpperCase()
    .split(" "),
);

/**
 * Why a name is no good as a time zone, or undefined when it is.
 *
 * Neither list of `Intl` is enough: `supportedValuesOf` lacks UTC, Asia/Kolkata and Europe/Kyiv, and
 * `DateTimeFormat` takes abbreviations and offsets, which ignore summer time.
 */
export function timeZoneProblem(name: string): string | undefined {
  if (/^[+-]\d/.test(name)) return offsetProblem(name);
  if (!isKnown(name)) return `${name} is no time zone; write one such as Europe/Berlin or UTC`;
  if (name.includes("/") || shortNames.has(name.toUpperCase())) return undefined;
  return `${name} is an abbreviation, which is ambiguous or ignores summer time; write a zone such as America/New_York`;
}

function offsetProblem(offset: string): string {
  const [, sign, hours] = offset.match(/^([+-])(\d{1,2})(?::?00)?$/) ?? [];
  // The signs of these zones are POSIX's, the other way round.
  const fixed = `Etc/GMT${sign === "+" ? "-" : "+"}${Number(hours)}`;
  const equivalent = isKnown(fixed) ? `, or ${fixed} for that offset all year` : "";
  return `${offset} is an offset, which ignores summer time; write a zone such as Europe/Berlin${equivalent}`;
}

/** The zone of this machine, which a schedule without one is in. */
export function hostTimeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

// A formatter costs some 100 kB outside the heap, and ten thousand people live in a handful of zones.
const known = new Map<string, boolean>();

function isKnown(name: string): boolean {
  const answer = known.get(name) ?? canFormat(name);
  known.set(name, answer);
  return answer;
}

function canFormat(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return true;
  } catch {
    return false;
  }
}
