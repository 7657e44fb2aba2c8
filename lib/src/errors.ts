/** What the user gave cannot be worked with: the bin prints the message alone and exits 2. */
export class UsageError extends Error {
  override name = "UsageError";
  readonly code: string = "USAGE";
}

/** A place in a text file: rows and columns count from 1. */
export interface Place {
  file: string;
  line?: number | undefined;
  column?: number | undefined;
}

/** `file:line:column`, as editors and terminals link it. */
export function formatPlace({ file, line, column }: Place): string {
  return [file, line, line === undefined ? undefined : column]
    .filter((part) => part !== undefined)
    .join(":");
}

/** The message of anything thrown, with the system's error codes put into words. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, syscall, path, address, port } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  const where = path ?? (address === undefined ? undefined : `${address}:${port}`);
  const words = code === undefined || syscall === undefined ? undefined : systemErrors[code];
  if (words !== undefined) return where === undefined ? words : `${where}: ${words}`;
  // Node reports a host with several addresses as an AggregateError with an empty message.
  if (error instanceof AggregateError && error.message === "") return messageOf(error.errors[0]);
  return error.message;
}

/** What is wrong with a file, in one line that begins with its name. */
export function aboutFile(file: string, error: unknown): string {
  // A parser's message goes on with the lines around the mistake.
  const [first = ""] = messageOf(error).split("\n");
  return first.startsWith(`${file}: `) ? first : `${file}: ${first}`;
}

const systemErrors: Record<string, string> = {
  EACCES: "permission denied",
  EADDRINUSE: "the address is already in use",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was reset",
  EISDIR: "is a directory, expected a file",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on the device",
  ENOTDIR: "not a directory",
  ENOTFOUND: "no such host",
  EPIPE: "the reader went away",
  ETIMEDOUT: "timed out",
};

/** The system's error of a file or folder that cannot be written, as one sentence; any other error as it is. */
export function cannotWrite(path: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  return new UsageError(`${path}: cannot be written (${writeErrors[code] ?? code})`, {
    cause: error,
  });
}

const writeErrors: Record<string, string> = {
  EACCES: "permission denied; choose another place",
  EEXIST: "a file is where a folder is needed; choose another place",
  EISDIR: "it is a folder; name a file in it",
  ENOENT: "its folder does not exist; create it, or choose another place",
  ENOSPC: "no space left on the device",
  ENOTDIR: "a file is where a folder is needed; choose another place",
  EPERM: "not permitted; choose another place",
  EROFS: "the file system is read-only; choose another place",
};

/** True for what an aborted `AbortSignal` makes others throw. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "ABORT_ERR");
}
