import { constants, createReadStream, openSync, readFileSync, statSync } from "node:fs";
import { Socket } from "node:net";
import { isatty, ReadStream } from "node:tty";

/** Bytes or text in pieces of any size. */
export type Chunks = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** Up to this size a file is read at once; a larger one, or what is no file at all, is streamed. */
const atOnce = 2 ** 20;

/**
 * A file's bytes. A manifest of the usual size is read synchronously: that takes some ten microseconds, and a
 * stream or a promise a file costs a tree of manifests more than parsing it.
 */
export function openFile(file: string): Chunks {
  const found = statSync(file);
  if (!found.isFile()) return openSpecial(file, found.isFIFO());
  return found.size <= atOnce ? [readFileSync(file)] : createReadStream(file);
}

/**
 * A pipe, a terminal or another device. Opened plainly, a pipe waits for its writer in a thread that nothing ends,
 * not even the end of the process; the event loop's own wait can be given up.
 */
function openSpecial(file: string, isPipe: boolean): Chunks {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  if (isatty(fd)) return new ReadStream(fd);
  return isPipe ? new Socket({ fd, writable: false }) : createReadStream(file, { fd });
}
