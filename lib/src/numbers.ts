import { UsageError } from "./errors.ts";

/** Which numbers an option takes. */
export interface NumberRange {
  /** No fraction. */
  whole?: boolean;
  /** The least. */
  from?: number;
  /** Takes what is more than this, and not this itself. */
  above?: number;
  /** The greatest. */
  to?: number;
  /** What the number is, for the message. @default "a number" or "a whole number" */
  what?: string;
}

/**
 * Reads the number that an option was given, in decimal digits. What `Number` takes besides (`1e3`, `0x10`, blanks,
 * no text at all) is more likely a mistake than meant.
 *
 * @param option as it is typed, for the message: `--port`
 * @param text its value; undefined, when it was not given, stays undefined
 * @throws UsageError when it is no such number
 */
export function parseNumber<Text extends string | undefined>(
  option: string,
  text: Text,
  range: NumberRange,
): number | Extract<Text, undefined>;
export function parseNumber(
  option: string,
  text: string | undefined,
  range: NumberRange,
): number | undefined {
  if (text === undefined) return undefined;
  const { whole = false, from = 0, above = Number.NEGATIVE_INFINITY } = range;
  const { to = Number.MAX_SAFE_INTEGER } = range;
  const value = (whole ? /^\d+$/ : /^\d+(\.\d+)?$/).test(text) ? Number(text) : Number.NaN;
  if (value >= from && value > above && value <= to) return value;
  throw new UsageError(`${option} ${text}: expected ${inWords(range)}`);
}

function inWords({ whole, from = 0, above, to, what }: NumberRange): string {
  const number = what ?? (whole ? "a whole number" : "a number");
  if (above === undefined) return `${number} from ${from}${to === undefined ? "" : ` to ${to}`}`;
  return `${number} above ${above}${to === undefined ? "" : `, at most ${to}`}`;
}
