import { randomBytes } from "node:crypto";
import { removeOrMark } from "./deletion.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  forbidden,
  invalid,
  modified,
  notFound,
  Refusal,
  Unknown,
} from "./failures.ts";
import { type Fields, type KubeObject, type Metadata, sameJson, timestamp } from "./objects.ts";
import { apiVersionOf, type Resource, resourceNamed } from "./resources.ts";
import type { Store } from "./store.ts";

/** What is written: an object of a kind, in a namespace where the kind has one. */
export interface Target {
  resource: Resource;
  namespace?: string | undefined;
}

export interface WriteOptions {
  subresource?: string | undefined;
  /** Answers as if, and stores nothing. */
  dryRun?: boolean;
}

const metadataFields = [
  ...["name", "generateName", "namespace", "uid", "resourceVersion", "generation", "selfLink"],
  ...["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels"],
  ...["annotations", "ownerReferences", "finalizers", "managedFields"],
];

/** Kinds whose status a creator may set; of all others it begins empty. */
const statusAtCreation = ["nodes", "persistentvolumes"];

/**
 * Creates an object from a request's body.
 *
 * @throws Refusal 400, 403, 404, 409 or 422, as the server would
 */
export function create(
  store: Store,
  { resource, namespace }: Target,
  body: unknown,
  { dryRun = false }: WriteOptions = {},
): KubeObject {
  const given = readObject(resource, namespace, body);
  const { name: asked, generateName } = given.metadata;
  const name = asked ?? (generateName && `${generateName}${randomBytes(3).toString("hex")}`);
  if (!name) {
    throw invalid(
      resource,
      "",
      "metadata.name",
      "Required value: name or generateName is required",
    );
  }
  checkName(resource, name);
  checkOwners(resource, given);
  if (given.metadata.resourceVersion) {
    const message = "resourceVersion should not be set on objects to be created";
    throw new Refusal(500, "InternalError", message);
  }
  checkNamespace(store, { resource, namespace }, name);
  if (store.get(resource, namespace, name) !== undefined) throw alreadyExists(resource, name);
  const { generateName: _, ...metadata } = given.metadata;
  const object: KubeObject = withDefaults(resource, {
    ...given,
    metadata: {
      ...metadata,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      creationTimestamp: timestamp(),
      ...(given.spec === undefined ? {} : { generation: 1 }),
    },
  });
  return dryRun ? object : store.put(resource, object);
}

/** Parses what a client sent as an object: unknown fields fail, though the real server drops them. */
export function readObject(
  resource: Resource,
  namespace: string | undefined,
  body: unknown,
): KubeObject {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw badRequest("the request's body is no JSON object");
  }
  const {
    apiVersion = apiVersionOf(resource),
    kind = resource.kind,
    metadata = {},
    ...rest
  } = body as Partial<KubeObject>;
  if (apiVersion !== apiVersionOf(resource) || kind !== resource.kind) {
    throw badRequest(
      `${kind} in version "${apiVersion}" cannot be handled as a ${resource.kind}: no kind "${kind}" is registered here`,
    );
  }
  for (const field of Object.keys(rest)) {
    if (!resource.fields.includes(field)) {
      throw new Unknown(400, `unknown field "${field}" in a ${resource.kind}`);
    }
  }
  for (const field of Object.keys(metadata)) {
    if (!metadataFields.includes(field)) {
      throw new Unknown(400, `unknown field "metadata.${field}" in a ${resource.kind}`);
    }
  }
  const given = metadata as Metadata;
  if (given.namespace !== undefined && given.namespace !== namespace) {
    throw badRequest(
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  }
  return { ...rest, apiVersion, kind, metadata: withoutNulls(given) };
}

function withoutNulls(metadata: Metadata): Metadata {
  const entries = Object.entries(metadata).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as unknown as Metadata;
}

function checkName(resource: Resource, name: string): void {
  if (resource.group.startsWith("rbac")) return;
  if (
    name.length <= 253 &&
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name)
  )
    return;
  throw invalid(
    resource,
    name,
    "metadata.name",
    `Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`,
  );
}

function checkOwners(resource: Resource, { metadata }: KubeObject): void {
  (metadata.ownerReferences ?? []).forEach((owner, index) => {
    for (const field of ["apiVersion", "kind", "name", "uid"] as const) {
      if (owner[field]) continue;
      const path = `metadata.ownerReferences[${index}].${field}`;
      throw invalid(resource, metadata.name, path, "Required value: must not be empty");
    }
  });
}

function checkNamespace(store: Store, { resource, namespace }: Target, name: string): void {
  if (namespace === undefined) return;
  const namespaces = resourceNamed("namespaces");
  const found = store.get(namespaces, undefined, namespace);
  if (found === undefined) throw notFound(namespaces, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  throw forbidden(
    resource,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [
      {
        reason: "NamespaceTerminating",
        message: `namespace ${namespace} is being terminated`,
        field: "metadata.namespace",
      },
    ],
  );
}

function withDefaults(resource: Resource, object: KubeObject): KubeObject {
  if (resource.plural === "namespaces") {
    return { ...object, spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } };
  }
  if (resource.plural === "pods") {
    const spec = { terminationGracePeriodSeconds: 30, restartPolicy: "Always", ...object.spec };
    return { ...object, spec, status: { phase: "Pending" } };
  }
  if (!resource.subresources.includes("status") || statusAtCreation.includes(resource.plural)) {
    return object;
  }
  return { ...object, status: {} };
}

/**
 * Changes an object: `change` makes the wanted state from the present one, and the server's rules
 * (versions, what may change, the status apart) decide what becomes of it.
 *
 * @throws Refusal 404, 409 or 422
 */
export function update(
  store: Store,
  { resource, namespace, name }: Target & { name: string },
  change: (present: KubeObject) => KubeObject,
  { subresource, dryRun = false }: WriteOptions = {},
): KubeObject {
  const present = store.get(resource, namespace, name);
  if (present === undefined) throw notFound(resource, name);
  const wanted = change(present);
  checkIdentity(resource, present, wanted);
  const next = combine(resource, present, wanted, subresource);
  checkOwners(resource, next);
  checkImmutable(resource, present, next);
  if (sameJson(present, next)) return present;
  if (dryRun) return next;
  return removeOrMark(store, resource, next);
}

function checkIdentity(resource: Resource, present: KubeObject, wanted: KubeObject): void {
  const { name, uid, resourceVersion } = wanted.metadata;
  if (name !== present.metadata.name) {
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${present.metadata.name})`,
    );
  }
  if (uid && uid !== present.metadata.uid) {
    const { namespace = "" } = present.metadata;
    const why = `StorageError: invalid object, Code: 4, Key: /registry/${resource.plural}/${namespace}/${name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${present.metadata.uid}`;
    throw conflict(resource, name, why);
  }
  if (resourceVersion && resourceVersion !== present.metadata.resourceVersion) {
    throw modified(resource, name);
  }
}

/** The new state: what a client may write from `wanted`, all else as it is. */
function combine(
  resource: Resource,
  present: KubeObject,
  wanted: KubeObject,
  subresource: string | undefined,
): KubeObject {
  const kept: (keyof Metadata)[] = [
    ...(["uid", "resourceVersion", "creationTimestamp", "namespace"] as const),
    ...(["generation", "deletionTimestamp", "deletionGracePeriodSeconds"] as const),
  ];
  const metadata: Metadata = { ...wanted.metadata };
  for (const field of kept) {
    delete metadata[field];
    if (present.metadata[field] !== undefined) {
      Object.assign(metadata, { [field]: present.metadata[field] });
    }
  }
  if (subresource === "status") {
    return { ...present, metadata, ...(wanted.status && { status: wanted.status }) };
  }
  const next: KubeObject = { ...wanted, metadata };
  if (resource.subresources.includes("status")) {
    delete next.status;
    if (present.status !== undefined) next.status = present.status;
  }
  if (!sameJson(present.spec, next.spec)) {
    metadata.generation = (present.metadata.generation ?? 0) + 1;
  }
  return next;
}

const changeableInPods = ["activeDeadlineSeconds", "containers", "initContainers", "tolerations"];

function checkImmutable(resource: Resource, present: KubeObject, next: KubeObject): void {
  const { name } = present.metadata;
  if (present["immutable"] === true && !sameJson(present["data"], next["data"])) {
    throw invalid(resource, name, "data", "Forbidden: field is immutable when `immutable` is set");
  }
  if (resource.plural === "pods") {
    const fixed = (spec: Fields = {}) =>
      Object.fromEntries(Object.entries(spec).filter(([key]) => !changeableInPods.includes(key)));
    if (sameJson(fixed(present.spec), fixed(next.spec))) return;
    const why =
      "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
    throw invalid(resource, name, "spec", why);
  }
  const providerID = present.spec?.["providerID"];
  if (resource.plural === "nodes" && providerID && providerID !== next.spec?.["providerID"]) {
    const why = 'Forbidden: node updates may not change providerID except from "" to valid';
    throw invalid(resource, name, "spec.providerID", why);
  }
}
