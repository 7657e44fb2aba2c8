/** What a reader of a README does, in its order: writes a file, or types a command and compares. */
export type Step = FileStep | CommandStep;

export interface FileStep {
  kind: "file";
  name: string;
  text: string;
}

export interface CommandStep {
  kind: "command";
  /** Row of the README, counted from 1. */
  line: number;
  command: string;
  /** What it prints, by the README; undefined where the README does not show it. */
  output?: string;
}

/**
 * Reads a README's fenced blocks:
 * - `console`: each `$ command` (a `\` at the end of a line continues it) and its output below;
 * - `sh`: each line is a command (a `\` at the end continues it), and what it prints is not shown;
 * - any other block whose first line is a comment with a file's name (`# people.yaml: whom to page`): that file.
 */
export function readSteps(readme: string): Step[] {
  return blocksOf(readme).flatMap(({ language, line, text }): Step[] => {
    if (language === "console") return commandsOf(text, line);
    if (language === "sh") return commandsOf(promptBefore(text), line).map(withoutOutput);
    const name = text.match(/^(?:#|\/\/) ([\w./-]+\.\w+)\b/)?.[1];
    return name === undefined ? [] : [{ kind: "file", name, text }];
  });
}

/** A fenced block; `line` is the row of its first line. */
export interface Block {
  language: string;
  line: number;
  text: string;
}

/** All fenced blocks of a Markdown text. */
export function blocksOf(markdown: string): Block[] {
  const fence = /^```(\w*)[^\n]*\n(.*?)^```$/gms;
  return [...markdown.matchAll(fence)].map(({ 1: language = "", 2: text = "", index }) => ({
    language,
    line: markdown.slice(0, index).split("\n").length + 1,
    text,
  }));
}

function commandsOf(text: string, firstLine: number): (CommandStep & { output: string })[] {
  const steps: (CommandStep & { output: string })[] = [];
  let continued = false;
  for (const [index, row] of text.split("\n").slice(0, -1).entries()) {
    const last = steps.at(-1);
    if (continued && last !== undefined) last.command += `\n${row}`;
    else if (row.startsWith("$ ")) {
      const command = row.slice(2).replace(/\s+# .*$/, "");
      steps.push({ kind: "command", line: firstLine + index, command, output: "" });
    } else if (last !== undefined) last.output += `${row}\n`;
    else if (row !== "")
      throw new Error(`line ${firstLine + index}: output without a command; begin it with "$ "`);
    continued = row.endsWith("\\") && (continued || row.startsWith("$ "));
  }
  return steps;
}

/** The lines of an `sh` block as a `console` block has them; blank lines and remarks are no commands. */
function promptBefore(text: string): string {
  let continued = false;
  return text.replaceAll(/^.*$/gm, (row) => {
    const begins = !continued && row !== "" && !row.startsWith("#");
    continued = row.endsWith("\\");
    return begins ? `$ ${row}` : row.replace(/^#.*/, "");
  });
}

function withoutOutput({ kind, line, command }: CommandStep): CommandStep {
  return { kind, line, command };
}
