import type { Kubernetes, Query } from "./kubernetes.ts";

interface List {
  metadata?: { resourceVersion?: string; continue?: string };
  items?: object[];
}

/**
 * Lists a collection in pages, each object reduced before the next page comes, so that a large collection is
 * never in memory as a whole. Without a `resourceVersion` in the query the first page is a consistent read.
 *
 * @param reduce what is kept of an object
 * @returns the objects and the version to watch from
 */
export async function listPages<T>(
  kubernetes: Kubernetes,
  request: { path: string; query?: Query; signal?: AbortSignal | undefined },
  reduce: (object: object) => T,
): Promise<{ items: T[]; resourceVersion: string }> {
  const { path, query, signal } = request;
  const items: T[] = [];
  let page: List = {};
  do {
    const next = page.metadata?.continue || undefined;
    page = await kubernetes.request<List>({
      path,
      query: { ...query, limit: 250, continue: next },
      signal,
    });
    for (const item of page.items ?? []) items.push(reduce(item));
  } while (page.metadata?.continue);
  return { items, resourceVersion: page.metadata?.resourceVersion ?? "" };
}
