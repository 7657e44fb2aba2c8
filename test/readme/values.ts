import { blocksOf } from "./steps.ts";

/** An expression of a README whose value it tells: `nextRuns("…"); // Date[]` is none, a literal is. */
export interface ToldValue {
  line: number;
  expression: string;
  value: unknown;
}

/** The lines `EXPRESSION; // LITERAL` of a README's `ts` blocks. */
export function toldValues(readme: string): ToldValue[] {
  return blocksOf(readme)
    .filter(({ language }) => language === "ts")
    .flatMap(({ text, line }) =>
      text.split("\n").flatMap((row, index) => {
        const [, expression, literal] = row.match(/^(\w[^;]*); \/\/ ([{["\d].*)$/) ?? [];
        if (expression === undefined || literal === undefined) return [];
        return [{ line: line + index, expression, value: evaluate(literal, {}) }];
      }),
    );
}

/** The value of an expression that may use these names. */
export function evaluate(expression: string, scope: Record<string, unknown>): unknown {
  return new Function(...Object.keys(scope), `return (${expression});`)(...Object.values(scope));
}
