/** A piece of Rego source that means something to us. Blanks are left out; comments are pieces too. */
export interface Token {
  kind: "word" | "string" | "comment" | "sign";
  text: string;
  /** From 1. */
  row: number;
  /** How many brackets are open around it. */
  depth: number;
  /** The first piece of its row. */
  first: boolean;
}

// Numbers count as words: nothing here looks at them.
const pieces =
  /(?<comment>#.*)|(?<template>\$["`])|(?<string>"(?:[^"\\\n]|\\.)*"?|`[^`]*`?)|(?<word>[\p{L}\p{N}_]+)|(?<sign>:=|==|!=|<=|>=|[^\s])/gu;

/**
 * Splits Rego source into pieces, by the lexical rules of both syntaxes (v0 and v1): strings, raw strings over
 * several rows, template strings, comments. It never fails; OPA judges whether the source is valid.
 */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  let row = 1;
  let counted = 0;
  let lastRow = 0;
  pieces.lastIndex = 0;
  for (let match = pieces.exec(source); match !== null; match = pieces.exec(source)) {
    row += newlines(source, counted, match.index);
    counted = match.index;
    const { comment, template, string, word } = match.groups ?? {};
    let [text] = match;
    if (template !== undefined) {
      text = source.slice(match.index, endOfTemplate(source, match.index + 2, text[1]));
      pieces.lastIndex = match.index + text.length;
    }
    const kind =
      comment !== undefined
        ? "comment"
        : word !== undefined
          ? "word"
          : string !== undefined || template !== undefined
            ? "string"
            : "sign";
    if (kind === "sign" && ")]}".includes(text)) depth--;
    tokens.push({ kind, text, row, depth, first: row !== lastRow });
    if (kind === "sign" && "([{".includes(text)) depth++;
    lastRow = row + newlines(text, 0, text.length);
  }
  return tokens;
}

/** The index after a template string, whose `{…}` hold expressions that may hold strings themselves. */
function endOfTemplate(source: string, from: number, quote = '"'): number {
  let braces = 0;
  for (let index = from; index < source.length; index++) {
    const char = source[index];
    if (char === "\\" && (quote === '"' || source[index + 1] === "{")) index++;
    else if (char === "{") braces++;
    else if (char === "}" && braces > 0) braces--;
    else if (char === quote && braces === 0) return index + 1;
    else if (char === '"' && braces > 0) index = closing(source, index);
  }
  return source.length;
}

function closing(source: string, open: number): number {
  const end = /(?:[^"\\\n]|\\.)*"/y;
  end.lastIndex = open + 1;
  return end.test(source) ? end.lastIndex - 1 : open;
}

function newlines(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", from); at >= 0 && at < to; at = text.indexOf("\n", at + 1)) {
    count++;
  }
  return count;
}
