/**
 * How an output differs from what a README shows, as the first line that does; undefined when it does not.
 *
 * A line `…` stands for any lines, and `…` in a line for any text. What differs from run to run may be
 * any: durations, uids, generated names, fencing tokens.
 */
export function firstDifference(shown: string, printed: string): string | undefined {
  const expected = linesOf(shown);
  const actual = linesOf(printed);
  return differenceFrom(expected, actual);
}

function differenceFrom(expected: string[], actual: string[]): string | undefined {
  for (const [index, line] of expected.entries()) {
    if (line === "…") return differenceAfterGap(expected.slice(index + 1), actual.slice(index));
    const other = actual[index];
    if (other === undefined || !sameLine(line, other)) {
      return `the README has ${JSON.stringify(line)}, printed was ${JSON.stringify(other ?? "nothing more")}`;
    }
  }
  const more = actual[expected.length];
  return more === undefined ? undefined : `the README ends, printed was ${JSON.stringify(more)}`;
}

/** What follows a `…` may begin anywhere. */
function differenceAfterGap(expected: string[], actual: string[]): string | undefined {
  if (expected.length === 0) return undefined;
  let nearest: string | undefined;
  for (let start = 0; start < actual.length; start++) {
    if (!sameLine(expected[0] ?? "", actual[start] ?? "") && expected[0] !== "…") continue;
    const difference = differenceFrom(expected, actual.slice(start));
    if (difference === undefined) return undefined;
    nearest ??= difference;
  }
  return nearest ?? `the README has ${JSON.stringify(expected[0])} after …, which was not printed`;
}

function sameLine(shown: string, printed: string): boolean {
  const pieces = shown.split("…").map(literally);
  return shown === printed || new RegExp(`^${pieces.join(".*")}$`).test(printed);
}

/** The lines, with what differs from run to run replaced by its kind. */
function linesOf(text: string): string[] {
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UID")
    .replaceAll(/\b\d+(\.\d+)? (ms|s)\b/g, "N s")
    .replaceAll(/-[0-9a-f]{6}\b/g, "-SUFFIX")
    .replaceAll(/\btoken \d+/g, "token N")
    .trimEnd()
    .split("\n")
    .map((line) => line.trimEnd());
}

function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
