import { Unknown } from "./failures.ts";
import { findResource, type Resource } from "./resources.ts";

export type Verb =
  | "get"
  | "list"
  | "watch"
  | "create"
  | "update"
  | "patch"
  | "delete"
  | "deletecollection";

/** What a request asks of which objects. */
export interface ApiRequest {
  verb: Verb;
  resource: Resource;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
  query: URLSearchParams;
}

const ofCollections = [
  ...["labelSelector", "fieldSelector", "limit", "continue", "resourceVersion"],
  ...["resourceVersionMatch", "timeoutSeconds", "watch", "allowWatchBookmarks"],
  "sendInitialEvents",
];
const ofWrites = ["dryRun", "fieldManager", "fieldValidation", "force"];
const ofDeletions = ["dryRun", "gracePeriodSeconds", "propagationPolicy", "orphanDependents"];

const knownQuery: Record<Verb, readonly string[]> = {
  get: ["resourceVersion"],
  list: ofCollections,
  watch: ofCollections,
  create: ofWrites,
  update: ofWrites,
  patch: ofWrites,
  delete: ofDeletions,
  deletecollection: [...ofCollections, ...ofDeletions],
};

const path =
  /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+\/[^/]+))(?:\/namespaces\/(?<namespace>[^/]+)(?=\/[^/]+))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+)(?:\/(?<subresource>[^/]+))?)?$/;

/**
 * Reads the method and path of a request for objects.
 *
 * @throws Unknown for a path, a method or a query parameter that the fake does not serve
 */
export function parseRequest(method: string, url: URL): ApiRequest {
  const words = splitPath(decodeURI(url.pathname));
  if (words === undefined) throw new Unknown(501, `unknown path ${url.pathname}`);
  const { apiVersion, namespace, plural, name, subresource } = words;
  const resource = findResource(apiVersion, plural);
  if (resource === undefined) throw new Unknown(501, `unknown resource ${apiVersion} ${plural}`);
  if (!resource.namespaced && namespace !== undefined) {
    throw new Unknown(501, `${plural} have no namespace: ${url.pathname}`);
  }
  if (resource.namespaced && namespace === undefined && name !== undefined) {
    throw new Unknown(501, `${plural} are in namespaces: ${url.pathname}`);
  }
  checkSubresource(resource, subresource, url.pathname);
  const query = url.searchParams;
  const verb = verbOf(method, { name, subresource }, query);
  if (resource.namespaced && namespace === undefined && verb === "create") {
    throw new Unknown(501, `a ${resource.kind} is created in a namespace: ${url.pathname}`);
  }
  checkQuery(verb, query);
  return { verb, resource, namespace, name, subresource, query };
}

interface Words {
  apiVersion: string;
  namespace?: string;
  plural: string;
  name?: string;
  subresource?: string;
}

function splitPath(pathname: string): Words | undefined {
  const found = pathname.match(path)?.groups;
  if (found === undefined) return undefined;
  const { core, group, namespace, plural = "", name, subresource } = found;
  const apiVersion = core ?? group ?? "";
  // `/namespaces/x/status` is the Namespace's own status.
  if (apiVersion === "v1" && namespace !== undefined && ["status", "finalize"].includes(plural)) {
    return { apiVersion, plural: "namespaces", name: namespace, subresource: plural };
  }
  return {
    apiVersion,
    plural,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

function checkSubresource(
  { plural, subresources }: Resource,
  subresource: string | undefined,
  pathname: string,
): void {
  const token = plural === "serviceaccounts" && subresource === "token";
  if (subresource === undefined || token || subresources.includes(subresource)) return;
  throw new Unknown(501, `unknown subresource: ${pathname}`);
}

function verbOf(
  method: string,
  { name, subresource }: { name: string | undefined; subresource: string | undefined },
  query: URLSearchParams,
): Verb {
  const verbs: Record<string, Verb> =
    name === undefined
      ? { GET: isWatch(query) ? "watch" : "list", POST: "create", DELETE: "deletecollection" }
      : subresource === undefined
        ? { GET: "get", PUT: "update", PATCH: "patch", DELETE: "delete" }
        : subresource === "status"
          ? { GET: "get", PUT: "update", PATCH: "patch" }
          : { POST: "create" };
  const verb = verbs[method];
  if (verb === undefined) throw new Unknown(405, `${method} is not served here`);
  return verb;
}

function isWatch(query: URLSearchParams): boolean {
  return ["true", "1"].includes(query.get("watch") ?? "");
}

function checkQuery(verb: Verb, query: URLSearchParams): void {
  for (const name of query.keys()) {
    if (name === "pretty" || knownQuery[verb].includes(name)) continue;
    throw new Unknown(400, `unknown query parameter ${name} of a ${verb}`);
  }
}
