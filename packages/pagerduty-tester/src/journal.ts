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
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "@internal/lib/errors";
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
  /** Rewrites the file with as few lines as say the same, without settled runs from before `since`. */
  compact(since: Date): void;
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
    const text = readFrom(file, (size, ino) => {
      if (ino !== inode || size < offset) {
        // Another process compacted it.
        runs.clear();
        offset = 0;
        lines = 0;
        inode = ino;
      }
      return offset;
    });
    const end = text.lastIndexOf("\n") + 1;
    for (const line of text.slice(0, end).split("\n").slice(0, -1)) {
      lines += 1;
      applyRecord(runs, parseRecord(line, file, lines));
    }
    offset += Buffer.byteLength(text.slice(0, end));
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
        (run) => !isSettled(run) || run.scheduledAt.getTime() >= since.getTime(),
      );
      const records = kept.flatMap(recordsOf);
      if (records.length === lines) return;
      const beside = `${file}.compacting`;
      writeSynced(beside, "w", records.map((record) => `${JSON.stringify(record)}\n`).join(""));
      renameSync(beside, file);
      syncFolder(file);
      refresh();
    },
  };
}

/** What a journal says, for whoever only reads it: nothing is mended, and a last half line is ignored. */
export function readJournal(file: string): ReadonlyMap<string, Run> {
  const runs = new Map<string, Run>();
  const text = readFrom(file, () => 0);
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  for (const [index, line] of whole.split("\n").slice(0, -1).entries()) {
    applyRecord(runs, parseRecord(line, file, index + 1));
  }
  return runs;
}

function readFrom(file: string, start: (size: number, inode: number) => number): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return "";
    throw new JournalError(`${file}: the journal cannot be read (${code})`);
  }
  try {
    const { size, ino } = fstatSync(descriptor);
    const from = start(size, ino);
    const buffer = Buffer.alloc(size - from);
    const length = size > from ? readSync(descriptor, buffer, 0, size - from, from) : 0;
    return buffer.toString("utf8", 0, length);
  } catch (error) {
    throw new JournalError(
      `${file}: the journal cannot be read (${(error as NodeJS.ErrnoException).code})`,
    );
  } finally {
    closeSync(descriptor);
  }
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

function parseRecord(line: string, file: string, number: number): JournalRecord {
  try {
    const record = JSON.parse(line) as Partial<JournalRecord>;
    if (typeof record.key === "string" && typeof record.event === "string") {
      return record as JournalRecord;
    }
  } catch {
    // Said below.
  }
  throw new JournalError(
    `${file}:${number}: this line is no journal record; mend it, or move the file away and let PagerDuty's own incidents speak`,
  );
}
