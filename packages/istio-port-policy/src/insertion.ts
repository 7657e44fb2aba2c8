import { nodesOn, type YamlNode } from "./input/locate.ts";

/** An `appProtocol` for the port at a path of keys and indexes. */
export interface Addition {
  path: (string | number)[];
  appProtocol: string;
}

/** A text to put in at an offset. */
export interface Insertion {
  addition: Addition;
  at: number;
  text: string;
}

/**
 * Where an addition goes and how it is written: behind the port's name, or its number. None when the port has no
 * mapping of its own at that path, or one that stands in other places too.
 */
export function insertionOf(
  text: string,
  root: YamlNode,
  addition: Addition,
): Insertion | undefined {
  const nodes = nodesOn(root, addition.path);
  const port = nodes.at(-1);
  if (port === undefined || nodes.length <= addition.path.length) return undefined;
  // What has an anchor may be meant elsewhere as well.
  if (nodes.some(({ anchored }) => anchored)) return undefined;
  if (port.entries?.some(({ key }) => key === "appProtocol")) return undefined;
  const written = (name: string) =>
    port.entries?.find(({ key, value }) => key === name && value.end !== undefined);
  const after = written("name") ?? written("port");
  const end = after?.value.end;
  if (after === undefined || end === undefined) return undefined;
  const lineStart = text.lastIndexOf("\n", after.keyStart - 1) + 1;
  const place = { portStart: port.start, lineStart, keyStart: after.keyStart, end };
  const insert = text[port.start] === "{" ? flowField : blockField;
  return { addition, ...insert(text, place, addition.appProtocol) };
}

/** The text with the insertions, which are sorted by their places. */
export function insertAll(text: string, insertions: readonly Insertion[]): string {
  let done = "";
  let taken = 0;
  for (const { at, text: inserted } of insertions) {
    done += text.slice(taken, at) + inserted;
    taken = at;
  }
  return done + text.slice(taken);
}

/** Offsets: of the port, of the line and the key of the field that is followed, and behind that field's value. */
interface Place {
  portStart: number;
  lineStart: number;
  keyStart: number;
  end: number;
}

/** A line of its own, below the one that the value ends on. */
function blockField(text: string, { lineStart, keyStart, end }: Place, appProtocol: string) {
  const field = `${" ".repeat(keyStart - lineStart)}appProtocol: ${appProtocol}`;
  const lineBreak = /\r?\n|$/g;
  lineBreak.lastIndex = end;
  const found = lineBreak.exec(text);
  const written = found?.[0] || lineBreakBefore(text, lineStart);
  return { at: found?.index ?? text.length, text: written + field };
}

/** Beside the value, or below it where each field has its line. */
function flowField(
  text: string,
  { portStart, lineStart, keyStart, end }: Place,
  appProtocol: string,
) {
  const before = text.slice(lineStart, keyStart);
  const hasOwnLine = lineStart > portStart && before.trim() === "";
  const gap = hasOwnLine ? lineBreakBefore(text, lineStart) + before : " ";
  const isJson = text[keyStart] === '"';
  const field = isJson ? `"appProtocol": "${appProtocol}"` : `appProtocol: ${appProtocol}`;
  return { at: end, text: `,${gap}${field}` };
}

function lineBreakBefore(text: string, lineStart: number): string {
  return text.slice(0, lineStart).endsWith("\r\n") ? "\r\n" : "\n";
}
