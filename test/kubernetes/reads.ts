import { badRequest, expired, Refusal } from "./failures.ts";
import type { KubeObject } from "./objects.ts";
import { apiVersionOf, type Resource } from "./resources.ts";
import type { Predicate } from "./selectors.ts";
import type { Store } from "./store.ts";

export interface List {
  kind: string;
  apiVersion: string;
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: object[];
}

/**
 * Answers a list: the present state, the state at an exact version, or the next page of an earlier one.
 *
 * @throws Refusal 400, 410 for a version or page that was compacted away, 504 for a version yet to come
 */
export function list(
  store: Store,
  request: {
    resource: Resource;
    namespace: string | undefined;
    matches: Predicate;
    query: URLSearchParams;
  },
): List {
  const { resource, namespace, matches, query } = request;
  const page = readContinue(query.get("continue"));
  const version = page?.version ?? exactVersion(store, query);
  const selected = listAt(store, { resource, namespace, version, page: page !== undefined }).filter(
    matches,
  );
  const rest =
    page === undefined ? selected : selected.filter((object) => keyOf(object) > page.after);
  const limit = Number(query.get("limit") ?? 0);
  const items = limit > 0 ? rest.slice(0, limit) : rest;
  const at = version ?? store.version;
  const last = items.at(-1);
  const more =
    last === undefined || items.length === rest.length
      ? {}
      : {
          continue: writeContinue({ version: at, after: keyOf(last) }),
          ...(query.has("labelSelector") || query.has("fieldSelector")
            ? {}
            : { remainingItemCount: rest.length - items.length }),
        };
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: { resourceVersion: String(at), ...more },
    // As on the wire, where the list's kind says it for all of them.
    items: items.map(({ kind: _, apiVersion: __, ...item }) => item),
  };
}

function listAt(
  store: Store,
  at: {
    resource: Resource;
    namespace: string | undefined;
    version: number | undefined;
    page: boolean;
  },
): KubeObject[] {
  try {
    return store.list(at.resource, at.namespace, at.version);
  } catch (error) {
    if (!at.page) throw error;
    throw expired(
      "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
    );
  }
}

function exactVersion(store: Store, query: URLSearchParams): number | undefined {
  const text = query.get("resourceVersion") ?? "";
  const match = query.get("resourceVersionMatch");
  if (!/^\d*$/.test(text)) throw badRequest(`invalid resource version "${text}"`);
  if (match !== null && text === "") {
    throw badRequest("resourceVersionMatch is forbidden unless resourceVersion is provided");
  }
  const version = Number(text);
  if (version > store.version) {
    const message = `Too large resource version: ${version}, current: ${store.version}`;
    throw new Refusal(504, "Timeout", message, { retryAfterSeconds: 1 }, { "retry-after": "1" });
  }
  return match === "Exact" ? version : undefined;
}

interface Page {
  version: number;
  after: string;
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

function writeContinue(page: Page): string {
  return Buffer.from(JSON.stringify(page)).toString("base64url");
}

function readContinue(token: string | null): Page | undefined {
  if (!token) return undefined;
  try {
    return JSON.parse(Buffer.from(token, "base64url").toString());
  } catch {
    throw badRequest("continue key is not valid: it was not issued by this server");
  }
}
