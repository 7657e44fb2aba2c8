import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { paintFor } from "@internal/lib/colors";

const paint = paintFor(process.stdout, process.env);
const root = fileURLToPath(new URL("..", import.meta.url));

/** A package's part of the demo. */
export interface Demo {
  /** The package. */
  name: string;
  /** One sentence on what the reader is about to see. */
  says: string;
  run(): Promise<void>;
}

export interface ShowOptions {
  /** Exit codes that are as expected; the default is 0 alone. Anything else fails the demo. */
  exits?: number[];
  env?: Record<string, string>;
  cwd?: string;
  /** Shows so many lines at most, and says how many more there were. */
  atMost?: number;
  /** Ends the command with SIGTERM when a line of its output matches, as a user would with Ctrl-C. */
  until?: RegExp;
}

/** A remark between commands. */
export function say(text: string): void {
  console.log(paint("dim", `  ${text}`));
}

/** Runs a package's built bin, prints the command line as a user would type it, and its output, indented. */
export async function show(bin: string, args: string[], options: ShowOptions = {}): Promise<void> {
  const { exits = [0], env = {}, cwd = root, until, atMost = Number.POSITIVE_INFINITY } = options;
  console.log(`  ${paint("bold", `$ ${[bin, ...args].map(quote).join(" ")}`)}`);
  const child = spawn(process.execPath, [`${root}packages/${bin}/dist/cli.js`, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let ending = false;
  let lines = 0;
  const print = (line: string) => {
    if (++lines <= atMost) console.log(`    ${readable(line)}`.trimEnd());
    if (until?.test(line) && !ending) {
      ending = true;
      child.kill("SIGTERM");
    }
  };
  const [code] = await Promise.all([
    new Promise<number | null>((resolve, reject) => child.on("close", resolve).on("error", reject)),
    eachLine(child.stdout, print),
    eachLine(child.stderr, print),
  ]);
  if (lines > atMost) console.log(paint("dim", `    … ${lines - atMost} more lines`));
  if (code === null || !exits.includes(code)) {
    throw new Error(`${bin} exited ${code}, expected ${exits.join(" or ")}`);
  }
  if (code !== 0) console.log(paint("dim", `    (exit code ${code})`));
}

/** A line of a daemon's log by its message, as a terminal shows it; any other line as it is. */
function readable(line: string): string {
  if (!line.startsWith('{"@timestamp"')) return line;
  const { level, message } = JSON.parse(line);
  return `${paint("dim", String(level).slice(0, 4).toLowerCase())} ${message}`;
}

async function eachLine(stream: NodeJS.ReadableStream, print: (line: string) => void) {
  let rest = "";
  stream.setEncoding("utf8");
  for await (const text of stream) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) print(line);
  }
  if (rest !== "") print(rest);
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
