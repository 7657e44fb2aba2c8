import { badArguments, invalid } from "./problem.ts";

/** A request's query parameters. */
export interface Query {
  names(): string[];
  one(name: string): string | undefined;
  all(name: string): string[];
  has(name: string, value: string): boolean;
}

export function readQuery(parameters: URLSearchParams): Query {
  return {
    names: () => [...new Set(parameters.keys())],
    one: (name) => parameters.get(name) ?? undefined,
    all: (name) => parameters.getAll(name),
    has: (name, value) => parameters.getAll(name).includes(value),
  };
}

/** `limit` and `offset`, within PagerDuty's bounds. */
export function readPage(query: Query): { limit: number; offset: number } {
  const limit = Number(query.one("limit") ?? 25);
  const offset = Number(query.one("offset") ?? 0);
  if (!Number.isInteger(limit) || limit < 1) throw invalid("limit must be a positive number");
  if (!Number.isInteger(offset) || offset < 0) throw invalid("offset must be a number");
  if (limit + offset > 10_000) {
    throw badArguments("Offset+limit exceeds maximum allowed value of 10000");
  }
  return { limit: Math.min(limit, 100), offset };
}
