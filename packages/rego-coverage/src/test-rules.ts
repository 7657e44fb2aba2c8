import { type Token, tokenize } from "./tokens.ts";

/** A test as it stands in the source. */
export interface TestRule {
  /** `data.PACKAGE.test_x`, as OPA names it. */
  name: string;
  row: number;
  /** A `todo_test_` rule, which OPA skips. */
  todo: boolean;
}

const testName = /^(todo_)?test_/;
const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The tests that a module defines, in order; OPA numbers those of the same name (`test_x#01`). */
export function findTests(source: string): TestRule[] {
  const tokens = tokenize(source).filter(({ kind }) => kind !== "comment");
  const path = packagePath(tokens);
  const seen = new Map<string, number>();
  return ruleHeads(tokens).flatMap(({ ref, row }) => {
    const last = ref.findIndex((name) => testName.test(name));
    if (last < 0) return [];
    const todo = ref[last]?.startsWith("todo_") ?? false;
    const name = `data${[...path, ...ref.slice(0, last + 1)].map(step).join("")}`;
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    const numbered = count === 0 || todo ? name : `${name}#${String(count).padStart(2, "0")}`;
    return [{ name: numbered, row, todo }];
  });
}

/** True for what counts as a test file: by its name, or because it defines a test. */
export function isTestFile(file: string, source: string): boolean {
  return file.endsWith("_test.rego") || (source.includes("test_") && findTests(source).length > 0);
}

/** `.name`, or `["other name"]`, as OPA prints a step of a reference. */
function step(name: string): string {
  return plainName.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

function packagePath(tokens: Token[]): string[] {
  const at = tokens.findIndex(({ kind, text }) => kind === "word" && text === "package");
  return at < 0 ? [] : reference(tokens, at + 1);
}

/** What begins a row outside all brackets and continues no expression: `test_x`, `a.test_x`, `default test_x`. */
function ruleHeads(tokens: Token[]): { ref: string[]; row: number }[] {
  return tokens.flatMap(({ kind, depth, first, row, text }, index) => {
    if (kind !== "word" || depth !== 0 || !first || continues(tokens[index - 1])) return [];
    return [{ ref: reference(tokens, text === "default" ? index + 1 : index), row }];
  });
}

/** True after `if`, `:=` and the like at the end of a row: what follows is no head. */
function continues(before: Token | undefined): boolean {
  if (before === undefined || before.kind === "string") return false;
  if (before.kind === "word") return ["if", "contains", "else", "not", "in"].includes(before.text);
  return !")]}".includes(before.text);
}

/** The names of `a.b["c"]` from a token on, up to the first step that is no constant. */
function reference(tokens: Token[], from: number): string[] {
  const names: string[] = [];
  let index = from;
  const first = tokens[index];
  if (first?.kind !== "word") return names;
  names.push(first.text);
  for (index++; ; ) {
    const [sign, name, close] = tokens.slice(index, index + 3);
    if (sign?.text === "." && name?.kind === "word") {
      names.push(name.text);
      index += 2;
    } else if (sign?.text === "[" && name?.kind === "string" && close?.text === "]") {
      names.push(unquote(name.text));
      index += 3;
    } else return names;
  }
}

function unquote(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.slice(1, -1);
  }
}
