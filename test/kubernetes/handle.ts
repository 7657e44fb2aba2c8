import type { IncomingHttpHeaders } from "node:http";
import { authorize, isAllowed, type Tokens, type User } from "./access.ts";
import { deleteObject, readDeleteOptions } from "./deletion.ts";
import { evict } from "./eviction.ts";
import { badRequest, notFound, Refusal, success, Unknown } from "./failures.ts";
import type { Fields, KubeObject } from "./objects.ts";
import { applyPatch, type PatchType, patchTypes } from "./patches.ts";
import { list } from "./reads.ts";
import type { ApiRequest } from "./requests.ts";
import { resourceNamed } from "./resources.ts";
import { type Predicate, parseFieldSelector, parseLabelSelector } from "./selectors.ts";
import type { Store } from "./store.ts";
import { create, readObject, update } from "./writes.ts";

/** What a request brings besides its path. */
export interface Call {
  headers: IncomingHttpHeaders;
  body: string;
  user: User;
}

export interface Answer {
  code: number;
  body: object;
}

/**
 * Answers a request for objects; a watch is answered elsewhere, because it does not end.
 *
 * @throws Refusal with the Status to answer
 */
export function handle(
  { store, tokens }: { store: Store; tokens: Tokens },
  request: ApiRequest,
  call: Call,
): Answer {
  const { verb, resource, namespace, name = "", subresource } = request;
  const target = { resource, namespace, name };
  const dryRun = isDryRun(request.query);
  switch (verb) {
    case "get": {
      const found = store.get(resource, namespace, name);
      if (found === undefined) throw notFound(resource, name);
      return { code: 200, body: found };
    }
    case "list":
    case "watch":
      return { code: 200, body: list(store, { ...request, ...selectionOf(request) }) };
    case "create":
      if (subresource !== undefined) return act({ store, tokens }, request, call);
      return { code: 201, body: create(store, target, parseJson(call), { dryRun }) };
    case "update": {
      const body = parseJson(call);
      const wanted = () => readObject(resource, namespace, body);
      return { code: 200, body: update(store, target, wanted, { subresource, dryRun }) };
    }
    case "patch": {
      const change = patcher(request, call);
      return { code: 200, body: update(store, target, change, { subresource, dryRun }) };
    }
    case "delete": {
      const options = readDeleteOptions(parseJson(call), request.query);
      const { object, gone } = deleteObject(store, target, options);
      if (!gone || resource.plural === "pods") return { code: 200, body: object };
      const { uid } = object.metadata;
      const group = resource.group === "" ? {} : { group: resource.group };
      return { code: 200, body: success(200, { name, ...group, kind: resource.plural, uid }) };
    }
    case "deletecollection": {
      const options = readDeleteOptions(parseJson(call), request.query);
      const before = list(store, { ...request, ...selectionOf(request) });
      for (const { metadata } of before.items as KubeObject[]) {
        deleteObject(store, { ...target, ...metadata }, options);
      }
      return { code: 200, body: before };
    }
  }
}

/** Refuses what the request's user may not do. @throws Refusal 403 */
export function checkAccess(store: Store, request: ApiRequest, user: User): void {
  const { query, resource } = request;
  // One name in the field selector counts as the request's name, so that roles may allow just that.
  const fields = request.name === undefined ? query.get("fieldSelector") : null;
  const name = request.name ?? (fields ? parseFieldSelector(fields, resource).name : undefined);
  authorize(store, user, { ...request, name });
}

/** The objects that a list or a watch wants. */
export function selectionOf({ query, resource }: ApiRequest): { matches: Predicate } {
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  const selector = query.get("fieldSelector");
  if (!selector) return { matches: labels };
  const fields = parseFieldSelector(selector, resource).matches;
  return { matches: (object) => labels(object) && fields(object) };
}

function isDryRun(query: URLSearchParams): boolean {
  const value = query.get("dryRun");
  if (value === null || value === "All") return value !== null;
  throw badRequest(`dryRun: Unsupported value: "${value}": supported values: "All"`);
}

function parseJson({ headers, body }: Call): unknown {
  if (body === "") return undefined;
  const type = headers["content-type"]?.split(";")[0];
  if (type !== undefined && type !== "application/json") {
    throw new Unknown(415, `content type ${type} is not served here; send application/json`);
  }
  try {
    return JSON.parse(body);
  } catch (error) {
    throw badRequest(`the body is no JSON: ${(error as Error).message}`);
  }
}

function patcher(request: ApiRequest, { headers, body }: Call) {
  const type = headers["content-type"]?.split(";")[0] as PatchType;
  if (!patchTypes.includes(type)) {
    throw new Unknown(415, `patch type ${type} is not served here; known are ${patchTypes}`);
  }
  let patch: unknown;
  try {
    patch = JSON.parse(body);
  } catch (error) {
    throw badRequest(`the patch is no JSON: ${(error as Error).message}`);
  }
  return (present: KubeObject) =>
    readObject(request.resource, request.namespace, applyPatch(type, present as Fields, patch));
}

/** The subresources that are created: they do something to their object. */
function act(
  { store, tokens }: { store: Store; tokens: Tokens },
  { resource, namespace = "", name = "", subresource, query }: ApiRequest,
  call: Call,
): Answer {
  const body = parseJson(call);
  if (subresource === "eviction") {
    return { code: 201, body: evict(store, { namespace, name, dryRun: isDryRun(query) }, body) };
  }
  if (store.get(resource, namespace, name) === undefined) throw notFound(resource, name);
  const { spec } = (body ?? {}) as { spec?: { boundObjectRef?: { name: string; uid?: string } } };
  const token = tokens.forServiceAccount(
    namespace,
    name,
    podOf(store, { namespace, account: name }, spec),
  );
  return { code: 201, body: { ...(body as object), status: { token } } };
}

function podOf(
  store: Store,
  { namespace, account }: { namespace: string; account: string },
  spec: { boundObjectRef?: { name: string; uid?: string } } | undefined,
) {
  const bound = spec?.boundObjectRef;
  if (bound === undefined) return undefined;
  const pods = resourceNamed("pods");
  const pod = store.get(pods, namespace, bound.name);
  if (pod === undefined) throw notFound(pods, bound.name);
  const { uid = "" } = pod.metadata;
  if (pod.spec?.["serviceAccountName"] !== account) {
    throw badRequest(
      `cannot bind token for serviceaccount "${account}" to pod running with different serviceaccount name.`,
    );
  }
  if (bound.uid !== undefined && bound.uid !== uid) {
    throw new Refusal(409, "Conflict", "the UID in the bound object reference does not match");
  }
  return { name: bound.name, uid };
}

/** Answers `kubectl auth can-i`. */
export function reviewOwnAccess(store: Store, call: Call): Answer {
  const review = parseJson(call) as { spec: { resourceAttributes: Record<string, string> } };
  const { verb = "", group = "", resource = "", ...rest } = review.spec.resourceAttributes;
  const allowed = isAllowed(store, call.user, {
    ...rest,
    verb,
    resource: { group, plural: resource },
  });
  return { code: 201, body: { ...review, status: { allowed } } };
}
