import type { LabelSelector } from "../kubernetes/objects.ts";
import { selects } from "../kubernetes/selector.ts";

export type Labels = Record<string, string>;

interface Selecting<T> {
  item: T;
  namespace: string;
  /** null selects nothing, `{}` everything. */
  selector: LabelSelector | null;
}

/**
 * Finds what selects given labels without asking every selector: each that demands `key = value` is filed under one
 * such pair, so only those that could match are tried.
 */
export function indexSelectors<T>(
  all: readonly Selecting<T>[],
): (namespace: string, labels: Labels) => T[] {
  const filed = new Map<string, Selecting<T>[]>();
  for (const entry of all) {
    const [pair] = Object.entries(entry.selector?.matchLabels ?? {});
    const key = fileKey(entry.namespace, pair);
    const entries = filed.get(key);
    if (entries === undefined) filed.set(key, [entry]);
    else entries.push(entry);
  }
  return (namespace, labels) =>
    [undefined, ...Object.entries(labels)].flatMap((pair) =>
      (filed.get(fileKey(namespace, pair)) ?? [])
        .filter(({ selector }) => selects(selector, labels))
        .map(({ item }) => item),
    );
}

function fileKey(namespace: string, pair: readonly [string, string] | undefined): string {
  return JSON.stringify([namespace, ...(pair ?? [])]);
}
