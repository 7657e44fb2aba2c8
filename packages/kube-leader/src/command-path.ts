import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  type Stats,
  statSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { readElf } from "./elf.ts";
import { CommandError } from "./errors.ts";

/** A command that can be run: where it is, and whether the kernel is sure to take it. */
export interface FoundCommand {
  path: string;
  /**
   * False when only an attempt can tell (a 32-bit program, one that may be run but not read, another system than
   * Linux): then it is spawned, because a failing `execve` would end in a crash.
   */
  isCertain: boolean;
}

/** How many interpreters the kernel follows from script to script. */
const interpretersFollowed = 4;
/** As much of a script's first line as the kernel reads (BINPRM_BUF_SIZE). */
const longestShebang = 256;
/** The longest single argument or variable that Linux takes: 32 pages. */
const longestString = 131_072;
/** What all arguments and variables may take together, whatever the stack's limit: three quarters of 8 MiB. */
const longestAll = 6_291_456;
/** Room for what the kernel adds: the path, an interpreter, its argument. */
const added = 8_192;

/**
 * Finds a command as a shell does and makes sure that it can be run: a wrong name is better known now than
 * after hours of waiting for the lock.
 *
 * @throws CommandError
 */
export function findCommand(command: string, env: NodeJS.ProcessEnv): FoundCommand {
  if (command === "") throw new CommandError("the command is empty", 127);
  // Windows has its own rules for finding programs, and knows them best.
  if (process.platform === "win32") return { path: command, isCertain: false };
  const path = command.includes("/") ? command : searchPath(command, env["PATH"]);
  return { path, isCertain: checkProgram(path, path, interpretersFollowed) };
}

/**
 * @param stackLimit the soft limit of the stack, in bytes: arguments and variables may take a quarter of it
 * @throws CommandError when the kernel would not take so many arguments and variables
 */
export function checkSize(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  stackLimit: number = readStackLimit(),
): void {
  const strings = [...args, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  const sizes = strings.map((text) => Buffer.byteLength(text) + 1);
  const pointers = 8 * sizes.length;
  const all = sizes.reduce((sum, size) => sum + size, pointers);
  if (
    all > Math.min(longestAll, stackLimit / 4) - added ||
    sizes.some((size) => size > longestString)
  ) {
    throw new CommandError(`${args[0]}: argument list too long`, 126);
  }
}

/** The usual 8 MiB where it cannot be read. */
function readStackLimit(): number {
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    const soft = limits.match(/^Max stack size +(\d+|unlimited)/m)?.[1];
    return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft ?? 8_388_608);
  } catch {
    return 8_388_608;
  }
}

function searchPath(command: string, path = "/usr/local/bin:/usr/bin:/bin"): string {
  let refused: CommandError | undefined;
  for (const folder of path.split(delimiter)) {
    const file = join(folder || ".", command);
    if (!existsSync(file)) continue;
    try {
      checkExecutable(file);
      return file;
    } catch (error) {
      refused ??= error as CommandError;
    }
  }
  throw refused ?? new CommandError(`${command}: command not found in PATH`, 127);
}

function checkExecutable(file: string): void {
  const found = statOf(file);
  if (found === undefined) throw new CommandError(`${file}: no such file`, 127);
  if (!found.isFile()) throw new CommandError(`${file}: is not a file`, 126);
  try {
    accessSync(file, constants.X_OK);
  } catch {
    throw new CommandError(`${file}: not executable; chmod +x it`, 126);
  }
}

function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw new CommandError(`${file}: cannot be run: ${(error as Error).message}`, 126);
  }
}

function checkProgram(file: string, shown: string, depth: number): boolean {
  checkExecutable(file);
  const head = readHead(file);
  if (process.platform !== "linux" || head === undefined) return false;
  const elf = readElf(head);
  if (elf?.runs === "no") {
    throw new CommandError(
      `${shown}: exec format error; it is no program for this machine, ${process.arch}`,
      126,
    );
  }
  const interpreter = elf === undefined ? shebangOf(head, shown) : elf.interpreter;
  const isCertain = interpreter === undefined || checkInterpreter(interpreter, shown, depth);
  return isCertain && elf?.runs !== "maybe";
}

/** The interpreter as the kernel reads it: up to a blank, a carriage return included. */
function shebangOf(head: Buffer, shown: string): string {
  const [line = ""] = head.toString("latin1", 0, longestShebang).split("\n");
  const [, interpreter, end] = line.match(/^#![ \t]*([^ \t\0]+)(.?)/) ?? [];
  if (interpreter === undefined) {
    throw new CommandError(
      `${shown}: exec format error; a script begins with #! and its interpreter`,
      126,
    );
  }
  if (end === "" && line.length === longestShebang) {
    throw new CommandError(`${shown}: its first line is longer than ${longestShebang} bytes`, 126);
  }
  if (interpreter.endsWith("\r")) {
    throw new CommandError(
      `${shown}: its first line ends with a carriage return; save it with line ends of Unix`,
      126,
    );
  }
  return interpreter;
}

function checkInterpreter(interpreter: string, shown: string, depth: number): boolean {
  try {
    if (depth === 0) throw new CommandError("too many interpreters", 126);
    return checkProgram(interpreter, interpreter, depth - 1);
  } catch (error) {
    throw new CommandError(
      `${shown}: its interpreter cannot be run: ${(error as Error).message}`,
      126,
    );
  }
}

function readHead(file: string): Buffer | undefined {
  try {
    const descriptor = openSync(file, "r");
    const head = Buffer.alloc(4096);
    const length = readSync(descriptor, head, 0, head.length, 0);
    closeSync(descriptor);
    return head.subarray(0, length);
  } catch {
    return undefined;
  }
}
