import type { Paint } from "@internal/lib/colors";
import { formatTable } from "@internal/lib/table";
import { obstacles, type Wait } from "../wait.ts";
import type { NodeProgress } from "./nodes.ts";
import type { DrainTally } from "./tally.ts";

/** Shows drains while they run. */
export interface DrainDisplay {
  show(event: NodeProgress, tallies: readonly DrainTally[]): void;
  /** Takes away what moves. */
  close(): void;
}

/** One line an event, for logs and pipes; several nodes are told apart. */
export function createLines(write: (text: string) => void, nodes: readonly string[]): DrainDisplay {
  const [, second] = nodes;
  return {
    show(event) {
      const text = lineOf(event);
      if (text === undefined) return;
      write(second === undefined ? `${text}\n` : `${event.node}: ${text}\n`);
    },
    close() {},
  };
}

function lineOf({ node, progress }: NodeProgress): string | undefined {
  switch (progress.type) {
    case "cordoned":
      return `cordoned ${node}`;
    case "evicted":
    case "forced":
      return `${progress.type} ${progress.pod.namespace}/${progress.pod.name}`;
    case "waiting": {
      const held = obstacles(progress.waits);
      return held.length === 0 ? undefined : `waiting for ${reasons(held)}`;
    }
    case "failed":
      return `trying again: ${(progress.error as Error).message}`;
    default:
      return undefined;
  }
}

/** What is waited for, each once. */
export function reasons(waits: readonly Wait[]): string {
  return [...new Set(waits.map(({ object, message }) => `${object} (${message})`))].join(", ");
}

const redrawMs = 100;
const barWidth = 24;

/** A bar a node, redrawn in place, for a terminal. */
export function createBars(
  stream: { write(text: string): unknown; columns?: number },
  paint: Paint,
): DrainDisplay {
  const began = Date.now();
  let tallies: readonly DrainTally[] = [];
  let trouble: string | undefined;
  let drawn = 0;

  function draw(): void {
    const { columns = 80 } = stream;
    const seconds = `${((Date.now() - began) / 1000).toFixed(0)} s`;
    const lines = formatTable(tallies.map((tally) => rowOf(tally, seconds, paint)));
    if (trouble !== undefined) lines.push(paint("yellow", `trying again: ${trouble}`));
    erase();
    stream.write(lines.map((line) => `${cut(line, columns)}\n`).join(""));
    drawn = lines.length;
  }

  function erase(): void {
    if (drawn > 0) stream.write(`\x1b[${drawn}A\x1b[J`);
    drawn = 0;
  }

  const timer = setInterval(draw, redrawMs);
  return {
    show({ progress }, now) {
      tallies = now.filter(({ result }) => result !== "planned");
      if (progress.type === "failed") trouble = (progress.error as Error).message;
      if (progress.type === "evicted") trouble = undefined;
    },
    close() {
      clearInterval(timer);
      erase();
    },
  };
}

function rowOf(tally: DrainTally, seconds: string, paint: Paint): string[] {
  const { node, gone, total, result, waits } = tally;
  const filled = total === 0 ? barWidth : Math.round((gone / total) * barWidth);
  const bar = paint("green", "━".repeat(filled)) + paint("dim", "─".repeat(barWidth - filled));
  const state = result === "draining" ? seconds : result;
  return [node, bar, `${gone}/${total}`, state, reasons(waits)];
}

/** A line that wraps would not be erased. Colours take no room and end with the line. */
function cut(line: string, columns: number): string {
  let room = columns - 1;
  let text = "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the colours
  for (const part of line.split(/(\x1b\[[\d;]*m)/)) {
    if (part.startsWith("\x1b")) text += part;
    else {
      text += part.slice(0, room);
      room -= Math.min(room, part.length);
    }
  }
  return text;
}
