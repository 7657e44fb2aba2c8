import { writeSync } from "node:fs";
import { Writable } from "node:stream";
import type { Io } from "@internal/lib/io";

/** What a waiter tells, on stderr: a line for people, or an object for machines. */
export type Note = (message: string, fields?: Record<string, string>, level?: Level) => void;
type Level = "INFO" | "WARN" | "ERROR";

/** @param format `json` gives one object a line, with the fields `@timestamp`, `level`, `message`, `logger`, `properties` */
export function createNotes(stderr: Io["stderr"], format: "text" | "json"): Note {
  return (message, properties = {}, level = "INFO") => {
    const record = { "@timestamp": new Date(), level, message, logger: "kube-leader", properties };
    stderr.write(format === "json" ? `${JSON.stringify(record)}\n` : `kube-leader: ${message}\n`);
  };
}

/**
 * Puts streams of our own in the place of the process's, before anything opens those (Node does, when `node:util` or
 * `node:assert` is imported): they leave the pipe non-blocking for the program that this process becomes, whose writes
 * then fail when the pipe is full.
 */
export function useBlockingStreams(): void {
  const streams = { stdout: blockingStream(1), stderr: blockingStream(2) };
  for (const [name, value] of Object.entries(streams)) {
    Object.defineProperty(process, name, { configurable: true, value });
  }
}

/** The process's streams as `useBlockingStreams` leaves them; stdin is not opened until it is read. */
export function blockingIo(env: NodeJS.ProcessEnv): Io {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    get stdin() {
      return process.stdin;
    },
    env,
  };
}

function blockingStream(descriptor: 1 | 2): Writable {
  return new Writable({
    decodeStrings: false,
    write: (text: string | Buffer, _, done) => {
      try {
        writeWhole(descriptor, Buffer.from(text));
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  }).on("error", () => {}); // whoever read it went away, and the wait goes on
}

function writeWhole(descriptor: number, bytes: Buffer): void {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      // Somebody else made the pipe non-blocking, and it is full.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
