import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "@internal/lib/errors";
import { parseLine } from "./journal-line.ts";
import { applyRecord, isSettled, type JournalRecord, type Run, recordsOf } from "./run.ts";

/** A record before the journal dates it. */
export type NewRecord = JournalRecord extends infer R
  ? R extends unknown
    ? Omit<R, "at">
    : never
  : never;

/** What was planned, sent and found out, kept through any end of the process. */
export interface Journal {
  /** Everything known, by key. */
  runs: ReadonlyMap<string, Run>;
  /**
   * Writes records and waits until the disk has them.
   *
   * @throws when it cannot; then nothing that depends on it may be done
   */
  append(...records: NewRecord[]): void;
  /** Takes in what another process wrote since. */
  refresh(): void;
  /**
   * Rewrites the file with as few lines as say the same, without settled runs from before `since`, in milliseconds
   * since 1970. Does nothing when another process writes meanwhile.
   */
  compact(since: number): void;
}

/** Only its owner may read it. */
const privateMode = 0o600;

/** A journal that cannot be used; the message says why. */
class JournalError extends UsageError {
  override name = "JournalError";
  override readonly code: string = "JOURNAL";
}

/**
 * Opens a journal, a file of one JSON object a line, and reads it. A last line without its end, which a crash
 * left, is cut off; so it says nothing, as it was never acted upon.
 *
 * @param file created on the first append
 * @param now dates the records
 */
export function openJournal(file: string, now: () => number): Journal {
  const runs = new Map<string, Run>();
  let offset = 0;
  let lines = 0;
  let inode: number | undefined;

  function refresh(): void {
    const from = (size: number, ino: number) => {
      if (ino !== inode || size < offset) {
        // Another process compacted it.
        runs.clear();
        offset = 0;
        lines = 0;
        inode = ino;
      }
      return offset;
    };
    for (const { line, end } of readLines(file, from)) {
      lines += 1;
      applyRecord(runs, recordOf(line, file, lines));
      offset = end;
    }
  }

  refresh();
  if (existsSync(file)) {
    if (statSync(file).size > offset) truncateSync(file, offset);
    keepPrivate(file);
  }

  return {
    runs,
    refresh,
    append: (...records) => {
      if (records.length === 0) return;
      const at = new Date(now()).toISOString();
      writeSynced(
        file,
        "a",
        records.map((record) => `${JSON.stringify({ ...record, at })}\n`).join(""),
      );
      refresh();
    },
    compact: (since) => {
      refresh();
      const kept = [...runs.values()].filter(
        (run) => !isSettled(run) || run.scheduledAt.getTime() >= since,
      );
      const records = kept.flatMap(recordsOf);
      if (records.length === lines) return;
      const beside = `${file}.compacting`;
      writeSynced(beside, "w", records.map((record) => `${JSON.stringify(record)}\n`).join(""));
      if (statSync(file).size !== offset) {
        rmSync(beside);
        return;
      }
      renameSync(beside, file);
      syncFolder(file);
      refresh();
    },
  };
}

/** What a journal says, for whoever only reads it: nothing is mended, and a last half line is ignored. */
export function readJournal(file: string): ReadonlyMap<string, Run> {
  const runs = new Map<string, Run>();
  let lines = 0;
  for (const { line } of readLines(file, () => 0)) {
    lines += 1;
    applyRecord(runs, recordOf(line, file, lines));
  }
  return runs;
}

// The journal of a thousand people and some years is tens of megabytes; it is never in the memory as a whole.
const chunkBytes = 1 << 20;

/**
 * The whole lines of a file, each with the place in bytes where it ends. A file that is not there has none.
 *
 * @param start the place to begin at, given the file's size and inode
 */
function* readLines(
  file: string,
  start: (size: number, inode: number) => number,
): Generator<{ line: string; end: number }> {
  const descriptor = openToRead(file);
  if (descriptor === undefined) return;
  try {
    const { size, ino } = fstatSync(descriptor);
    let end = start(size, ino);
    let half = Buffer.alloc(0);
    for (let place = end; place < size; ) {
      const chunk = Buffer.alloc(Math.min(chunkBytes, size - place));
      const length = readSync(descriptor, chunk, 0, chunk.length, place);
      if (length === 0) return;
      place += length;
      half = Buffer.concat([half, chunk.subarray(0, length)]);
      for (let newline = half.indexOf("\n"); newline >= 0; newline = half.indexOf("\n")) {
        end += newline + 1;
        yield { line: half.toString("utf8", 0, newline), end };
        half = half.subarray(newline + 1);
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Undefined when there is no such file. A pipe or a device is refused before it is opened, which could wait for ever. */
function openToRead(file: string): number | undefined {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    if (found.isFile()) return openSync(file, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new JournalError(`${file}: the journal cannot be read (${code})`);
  }
  throw new JournalError(`${file}: the journal must be a regular file`);
}

/** The file is opened for each write, so that one that another process compacted is not written to. */
function writeSynced(file: string, flags: "a" | "w", text: string): void {
  const isNew = flags === "w" || !existsSync(file);
  try {
    const descriptor = openSync(file, flags, privateMode);
    const { size } = fstatSync(descriptor);
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } catch (error) {
      // Half a line must not become the beginning of the next one.
      ftruncateSync(descriptor, size);
      throw error;
    } finally {
      closeSync(descriptor);
    }
    if (isNew) syncFolder(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new JournalError(
      `${file}: the journal cannot be written (${code}); without it nobody is paged`,
    );
  }
}

/** It names people: one that was copied here, or made by hand, gets the mode of one that we make. */
function keepPrivate(file: string): void {
  try {
    chmodSync(file, privateMode);
  } catch {
    // Another's file, or a volume without modes: whoever it belongs to decides who reads it.
  }
}

/** A new name lasts only when its folder is on the disk. Windows cannot and need not. */
function syncFolder(file: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(dirname(file), "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function recordOf(line: string, file: string, number: number): JournalRecord {
  const record = parseLine(line);
  if (record !== undefined) return record;
  throw new JournalError(
    `${file}:${number}: this line is no journal record, or one of a later version; mend it, or move the file away and let PagerDuty's own incidents speak`,
  );
}
