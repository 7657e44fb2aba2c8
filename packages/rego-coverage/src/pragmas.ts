import { InputError } from "./errors.ts";
import { type Token, tokenize } from "./tokens.ts";

/** What a pragma does: takes rows out of the coverage, or accepts that changes to them survive. */
export type PragmaKind = "ignore" | "accept";

/** A comment that speaks to rego-coverage: `# rego-coverage ignore: REASON`. */
export interface Pragma {
  kind: PragmaKind;
  start: number;
  end: number;
  reason: string;
}

const spoken = /^#\s*rego-coverage\b\s*(?<what>[\w-]*)\s*:?\s*(?<reason>.*)$/;
const known: Record<string, { kind: PragmaKind; file: boolean }> = {
  ignore: { kind: "ignore", file: false },
  "ignore-file": { kind: "ignore", file: true },
  "accept-mutants": { kind: "accept", file: false },
  "accept-mutants-file": { kind: "accept", file: true },
};

/**
 * The pragmas of a source. At the end of a row a pragma is for that row; on a row of its own for the rule or
 * expression below it, with all its rows; as `…-file` for the whole file.
 *
 * @throws InputError for one without a reason, or that is none of ours
 */
export function findPragmas(file: string, source: string): Pragma[] {
  if (!source.includes("rego-coverage")) return [];
  const tokens = tokenize(source);
  return tokens.flatMap((token, index) => {
    const match = token.kind === "comment" ? spoken.exec(token.text) : null;
    if (match === null) return [];
    const { what = "", reason = "" } = match.groups ?? {};
    const meaning = known[what];
    const example = "# rego-coverage ignore: REASON";
    if (meaning === undefined) {
      const names = Object.keys(known).join(", ");
      throw new InputError(
        `${file}:${token.row}: no such pragma: "${what}"; known are ${names}, as in \`${example}\``,
      );
    }
    if (reason.trim() === "") {
      throw new InputError(
        `${file}:${token.row}: the pragma gives no reason; write \`# rego-coverage ${what}: REASON\``,
      );
    }
    const rows = meaning.file ? wholeFile(source) : rowsFor(tokens, index);
    return [{ kind: meaning.kind, ...rows, reason: reason.trim() }];
  });
}

function wholeFile(source: string): { start: number; end: number } {
  return { start: 1, end: source.split("\n").length };
}

function rowsFor(tokens: Token[], index: number): { start: number; end: number } {
  const pragma = tokens[index]!;
  if (!pragma.first) return { start: pragma.row, end: pragma.row };
  const below = tokens.slice(index + 1).filter(({ kind }) => kind !== "comment");
  const [head] = below;
  if (head === undefined) return { start: pragma.row, end: pragma.row };
  return { start: head.row, end: lastRow(below, head) };
}

/** The row on which what begins with `head` ends: where a new row begins outside its brackets. */
function lastRow(tokens: Token[], head: Token): number {
  let last = head;
  for (const token of tokens) {
    const outside = token.depth <= head.depth && token.first && token !== head;
    if (token.depth < head.depth || (outside && !isClosing(token) && !continuesRow(last))) break;
    last = token;
  }
  return last.row + (last.text.split("\n").length - 1);
}

function isClosing({ text, kind }: Token): boolean {
  return (kind === "sign" && ")]}".includes(text)) || (kind === "word" && text === "else");
}

function continuesRow({ kind, text }: Token): boolean {
  if (kind === "word") return ["if", "else", "contains", "in", "not"].includes(text);
  return kind === "sign" && !")]}".includes(text);
}
