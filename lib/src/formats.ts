import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { cannotWrite, UsageError } from "./errors.ts";
import type { Io } from "./io.ts";

/** One `--format NAME[=FILE]`; without a file the report goes to stdout. */
export interface FormatRequest<Name extends string> {
  name: Name;
  file?: string;
}

/**
 * Reads the values of a repeatable `--format NAME[=FILE]`.
 *
 * @param values as given on the command line; none means `text`
 * @param names the formats the command knows
 * @throws UsageError for an unknown name, or when two reports would go to one place
 */
export function parseFormats<Name extends string>(
  values: readonly string[],
  names: readonly Name[],
): FormatRequest<Name>[] {
  const requests = (values.length === 0 ? ["text"] : values).map((value): FormatRequest<Name> => {
    const split = value.indexOf("=");
    const name = (split < 0 ? value : value.slice(0, split)) as Name;
    const file = split < 0 ? undefined : value.slice(split + 1);
    if (!names.includes(name)) {
      throw new UsageError(`--format ${value}: no such format; known are ${names.join(", ")}`);
    }
    if (file === "") {
      throw new UsageError(`--format ${value}: the file's name is missing after "="`);
    }
    return file === undefined ? { name } : { name, file };
  });
  const twice = requests.find(({ file }, index) =>
    requests.slice(0, index).some((other) => file !== undefined && other.file === file),
  );
  if (twice !== undefined) {
    throw new UsageError(`--format ${twice.name}=${twice.file}: another report goes there as well`);
  }
  const onStdout = requests.filter(({ file }) => file === undefined);
  if (onStdout.length > 1) {
    const mixed = onStdout.map(({ name }) => name).join(" and ");
    throw new UsageError(`--format ${mixed}: only one can go to stdout; give the others =FILE`);
  }
  return requests;
}

/**
 * Writes each requested report, files first, so that a reader of stdout finds them complete.
 *
 * @param render the report in a format, its last line ended
 */
export async function writeFormats<Name extends string>(
  requests: readonly FormatRequest<Name>[],
  render: (name: Name, target: { file?: string }) => string | Promise<string>,
  io: Pick<Io, "stdout">,
): Promise<void> {
  for (const { name, file } of requests) {
    if (file !== undefined) await writeWhole(file, await render(name, { file }));
  }
  for (const { name, file } of requests) {
    if (file === undefined) await print(io.stdout, await render(name, {}));
  }
}

/**
 * Writes a file so that a reader never sees half of it: beside it first, then renamed. A link keeps pointing where it
 * did, a file keeps its mode, and what is no file (a pipe, `/dev/null`) is written to as it is.
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const beside = `${target}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    const found = await stat(target).catch(() => undefined);
    if (found !== undefined && !found.isFile()) return await writeFile(target, text);
    await writeFile(beside, text);
    if (found !== undefined) await chmod(beside, found.mode);
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {}); // where there is no folder nothing is left
    throw cannotWrite(file, error);
  }
}

/**
 * Writes to a stream and waits until it took it, so that a slow pipe does not fill the memory. A reader that is gone
 * (`| head`) has what it wanted: that changes nothing about the exit code.
 */
export async function print(stream: NodeJS.WritableStream, text: string): Promise<void> {
  if (stream.write(text)) return;
  try {
    await once(stream, "drain");
  } catch (error) {
    if (!isReaderGone(error)) throw error;
  }
}

/** True for the error of a stream that nobody reads any more. */
export function isReaderGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "EPIPE";
}
