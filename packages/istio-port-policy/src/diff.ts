/** Lines around a change that are shown with it. */
const context = 3;

/**
 * A unified diff, as `git apply` takes it; "" when nothing differs. Made for small edits in place: it looks for
 * the next line both texts have in common close by.
 */
export function unifiedDiff(file: string, before: string, after: string): string {
  const [old, now] = [linesOf(before), linesOf(after)];
  const changes = changesOf(old, now);
  if (changes.length === 0) return "";
  const name = file.replace(/^\.?\//, "");
  return [
    `--- a/${name}\n`,
    `+++ b/${name}\n`,
    ...hunksOf(changes).map((hunk) => format(hunk, old, now)),
  ].join("");
}

/** `oldCount` lines from `oldStart` became `newCount` lines from `newStart`; counted from 0. */
interface Change {
  oldStart: number;
  oldCount: number;
  newStart: number;
  newCount: number;
}

function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function changesOf(old: string[], now: string[]): Change[] {
  const changes: Change[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      i++;
      j++;
      continue;
    }
    const [oldCount, newCount] = nextCommon(old, now, i, j);
    changes.push({ oldStart: i, oldCount, newStart: j, newCount });
    i += oldCount;
    j += newCount;
  }
  return changes;
}

/** How many lines of each text to pass over until they agree again, the fewest in all. */
function nextCommon(old: string[], now: string[], i: number, j: number): [number, number] {
  const most = old.length - i + (now.length - j);
  for (let all = 1; all < most; all++) {
    for (let gone = 0; gone <= all; gone++) {
      const [a, b] = [i + gone, j + all - gone];
      if (a <= old.length && b <= now.length && old[a] === now[b]) return [gone, all - gone];
    }
  }
  return [old.length - i, now.length - j];
}

function hunksOf(changes: Change[]): Change[][] {
  const hunks: Change[][] = [];
  for (const change of changes) {
    const last = hunks.at(-1)?.at(-1);
    const near = last && change.oldStart - (last.oldStart + last.oldCount) <= 2 * context;
    if (near) hunks.at(-1)?.push(change);
    else hunks.push([change]);
  }
  return hunks;
}

function format(hunk: Change[], old: string[], now: string[]): string {
  const [first, last] = [hunk[0] as Change, hunk.at(-1) as Change];
  const start = Math.max(0, first.oldStart - context);
  const end = Math.min(old.length, last.oldStart + last.oldCount + context);
  const shift = first.newStart - first.oldStart;
  const grown = hunk.reduce((sum, { oldCount, newCount }) => sum + newCount - oldCount, 0);
  let at = start;
  const lines: string[] = [];
  const keep = (until: number) => {
    while (at < until) lines.push(` ${old[at++]}`);
  };
  for (const { oldStart, oldCount, newStart, newCount } of hunk) {
    keep(oldStart);
    for (; at < oldStart + oldCount; at++) lines.push(`-${old[at]}`);
    for (const line of now.slice(newStart, newStart + newCount)) lines.push(`+${line}`);
  }
  keep(end);
  const count = end - start;
  const header = `@@ -${start + 1},${count} +${start + 1 + shift},${count + grown} @@\n`;
  return header + lines.map(ended).join("");
}

function ended(line: string): string {
  return line.endsWith("\n") ? line : `${line}\n\\ No newline at end of file\n`;
}
