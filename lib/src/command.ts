import { type ParseArgsConfig, parseArgs } from "node:util";
import { isAbort, messageOf, UsageError } from "./errors.ts";
import { isReaderGone, print } from "./formats.ts";
import { type Io, processIo } from "./io.ts";
import { abortOnSignals, endingSignals, type Signals } from "./signals.ts";
import { formatTable } from "./table.ts";

/** An option of a command. `value` is what stands for it in the help (`FILE`); without one it is a flag. */
export interface Option {
  value?: string;
  short?: string;
  multiple?: boolean;
  help: string;
}

export type Options = Record<string, Option>;

/** What `parseArgs` makes of options: a flag is true, a value a string, a repeatable one a list. */
export type Values<O extends Options> = {
  [K in keyof O]?: O[K] extends { value: string; multiple: true }
    ? string[]
    : O[K] extends { value: string }
      ? string
      : boolean;
};

export interface Invocation<O extends Options = Options> {
  /** Every option that was given. */
  values: Values<O>;
  positionals: string[];
  /** Aborts on SIGINT and SIGTERM. */
  signal: AbortSignal;
  io: Io;
}

export interface Command<O extends Options = Options> {
  /** The words that choose it, `render gatekeeper`; "" for a program that is one command. */
  name: string;
  /** What follows the name in the usage line, in this order: `--required VALUE [OPTION…] ARGUMENT…`. */
  usage: string;
  /** What it does, a sentence: `Prints the role.` */
  summary: string;
  /** Shown in the command's own help, below the summary. */
  details?: string;
  options: O;
  /** Complete command lines, each with a word on what it does. */
  examples: { line: string; does: string }[];
  /** Positionals allowed; the default is none. */
  positionals?: { min?: number; max?: number };
  /**
   * For a command that runs another one: its options end at the first word that is not one, and the
   * positionals are that word and all after it as they stand, `--` included.
   */
  passthrough?: boolean;
  /** Does it and returns the exit code. */
  run(invocation: Invocation<O>): Promise<number>;
  /** Whether it is a daemon, which ends with 0 when it is asked to. */
  endsClean?: boolean | ((values: Values<O>) => boolean);
}

export interface Program {
  name: string;
  version: string;
  summary: string;
  commands: readonly Command[];
  /** Exit codes for the help, when they are not the usual three. */
  exitCodes?: string;
}

/** Keeps a command's option types while it becomes one of a program's list. */
export function command<const O extends Options>(definition: Command<O>): Command {
  return definition as unknown as Command;
}

const usualExitCodes = "Exit codes: 0 fine; 1 it ran and the answer is no; 2 it could not begin.";

/**
 * Runs a program's command line: help, version, the chosen command, and every failure as one sentence.
 *
 * @param signals for a bin that listens to signals before it imports the program
 * @returns the exit code; it never throws and never exits
 */
export async function runProgram(
  program: Program,
  args: readonly string[],
  io: Io = processIo(),
  signals: Signals = abortOnSignals(),
): Promise<number> {
  for (const stream of [io.stdout, io.stderr]) {
    if (!stream.listeners("error").includes(endureReaderGone)) stream.on("error", endureReaderGone);
  }
  let chosen: Command | undefined;
  let endsClean = false;
  try {
    if (args[0] === "--version" || args[0] === "-V") {
      await print(io.stdout, `${program.version}\n`);
      return 0;
    }
    const found = chooseCommand(program, args);
    if (found === undefined) {
      if (args[0] === "help" || args.includes("--help") || args.includes("-h")) {
        await print(io.stdout, programHelp(program));
        return 0;
      }
      throw new UsageError(unknownCommand(program, args));
    }
    chosen = found.command;
    const { values, positionals } = parse(chosen, found.rest);
    if (values["help"]) {
      await print(io.stdout, commandHelp(program, chosen));
      return 0;
    }
    checkPositionals(chosen, positionals);
    endsClean =
      typeof chosen.endsClean === "function"
        ? chosen.endsClean(values)
        : (chosen.endsClean ?? false);
    const code = await chosen.run({ values, positionals, signal: signals.signal, io });
    const signal = signals.received();
    return signal === undefined || endsClean ? code : endingSignals[signal];
  } catch (error) {
    const signal = signals.received();
    if (signal !== undefined && isAbort(error)) {
      return endsClean ? 0 : endingSignals[signal];
    }
    const help = error instanceof UsageError && error.code === "USAGE" && isArgumentError(error);
    io.stderr.write(`${program.name}: ${messageOf(error)}\n`);
    if (help)
      io.stderr.write(`Try: ${[program.name, chosen?.name].filter(Boolean).join(" ")} --help\n`);
    if (io.env["DEBUG"]?.split(",").includes(program.name))
      io.stderr.write(`${(error as Error).stack}\n`);
    return 2;
  } finally {
    signals.dispose();
  }
}

/** Whoever read our output (`| head`) has what it wanted; a daemon goes on without it. */
function endureReaderGone(error: unknown): void {
  if (!isReaderGone(error)) throw error;
}

/** A mistake on the command line itself, where the help is what the user needs next. */
class ArgumentError extends UsageError {}

function isArgumentError(error: UsageError): boolean {
  return error instanceof ArgumentError;
}

function chooseCommand(
  { commands }: Program,
  args: readonly string[],
): { command: Command; rest: string[] } | undefined {
  // Longest name first: `render rbac` before `render` before "".
  const sorted = commands.toSorted((a, b) => b.name.length - a.name.length);
  for (const command of sorted) {
    const words = command.name === "" ? [] : command.name.split(" ");
    // The first word of a command's name is never an argument of the nameless one.
    if (words.length === 0 && commands.some(({ name }) => name && name.split(" ")[0] === args[0])) {
      continue;
    }
    if (words.every((word, index) => args[index] === word)) {
      return { command, rest: args.slice(words.length) };
    }
  }
  return undefined;
}

function unknownCommand(program: Program, args: readonly string[]): string {
  const names = program.commands.map(({ name }) => name);
  if (args.length === 0) return `a command is missing; known are ${names.join(", ")}`;
  const within = names.filter((name) => name.startsWith(`${args[0]} `));
  if (within.length > 0) {
    const what = args[1] === undefined ? `what to ${args[0]} is missing` : `${args[1]}: unknown`;
    return `${args[0]}: ${what}; known are ${within.map((name) => name.split(" ")[1]).join(", ")}`;
  }
  return `${args[0]}: no such command; known are ${names.join(", ")}`;
}

function parse(command: Command, args: string[]) {
  const options: NonNullable<ParseArgsConfig["options"]> = {
    help: { type: "boolean", short: "h" },
  };
  for (const [name, { value, short, multiple }] of Object.entries(command.options)) {
    options[name] = {
      type: value === undefined ? "boolean" : "string",
      ...(short === undefined ? {} : { short }),
      ...(multiple ? { multiple: true } : {}),
    };
  }
  try {
    const end = command.passthrough ? endOfOptions(args, options) : args.length;
    const { values, positionals } = parseArgs({
      args: args.slice(0, end),
      options,
      allowPositionals: true,
    });
    return {
      values: values as Record<string, never>,
      positionals: command.passthrough ? args.slice(end) : positionals,
    };
  } catch (error) {
    const { message } = error as Error;
    // parseArgs adds advice on positionals that start with a dash; the first sentence is ours to keep.
    throw new ArgumentError(message.replace(/\. To specify a positional.*$/s, ""), {
      cause: error,
    });
  }
}

function endOfOptions(args: string[], options: NonNullable<ParseArgsConfig["options"]>): number {
  const { tokens } = parseArgs({
    args,
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  return tokens.find(({ kind }) => kind !== "option")?.index ?? args.length;
}

function checkPositionals({ positionals = { max: 0 }, usage }: Command, given: string[]): void {
  const { min = 0, max = Number.POSITIVE_INFINITY } = positionals;
  if (given.length < min) throw new ArgumentError(`an argument is missing; expected ${usage}`);
  if (given.length > max) throw new ArgumentError(`${given[max]}: one argument too many`);
}

function programHelp(program: Program): string {
  const rows = program.commands.map(({ name, summary }) => [`  ${program.name} ${name}`, summary]);
  return `${program.summary}

Usage: ${program.name} COMMAND [OPTION…]

${formatTable(rows).join("\n")}

${program.name} COMMAND --help tells more. ${program.name} --version prints ${program.version}.
${program.exitCodes ?? usualExitCodes}
`;
}

function commandHelp(
  program: Program,
  { name, usage, summary, details, options, examples }: Command,
): string {
  const words = [program.name, name].filter(Boolean).join(" ");
  const rows = Object.entries({
    ...options,
    help: { short: "h", help: "print this" } as Option,
  }).map(([option, { value, short, multiple, help }]) => {
    const shown = `${short === undefined ? "    " : `-${short}, `}--${option}`;
    return [
      `  ${shown}${value === undefined ? "" : ` ${value}`}`,
      multiple ? `${help} (repeatable)` : help,
    ];
  });
  const shownExamples = formatTable(examples.map(({ line, does }) => [`  ${line}`, `# ${does}`]));
  const others = name === "" ? program.commands.filter((other) => other.name !== "") : [];
  const shownOthers = formatTable(
    others.map((other) => [`  ${program.name} ${other.name}`, other.summary]),
  );
  return `${summary}

Usage: ${[words, usage].filter(Boolean).join(" ")}
${details === undefined ? "" : `\n${details}\n`}
${formatTable(rows).join("\n")}

Examples:
${shownExamples.join("\n")}
${others.length === 0 ? "" : `\nOther commands:\n${shownOthers.join("\n")}\n`}
${program.exitCodes ?? usualExitCodes}
`;
}
