import type { Fields } from "./objects.ts";
import type { Resource } from "./resources.ts";

/** The body of every failure, and of some successes. */
export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: Fields;
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: Fields;
  code?: number;
}

export interface Cause {
  reason: string;
  message: string;
  field?: string;
}

/** A request the server refuses, with the Status it answers. */
export class Refusal extends Error {
  readonly code: number;
  readonly body: Status;
  readonly headers: Record<string, string>;

  constructor(
    code: number,
    reason: string,
    message: string,
    details?: Fields,
    headers: Record<string, string> = {},
  ) {
    super(message);
    this.code = code;
    this.headers = headers;
    this.body = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      ...(reason === "" ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

/** What the fake does not know or a client must not send: refused, and kept for the test to see. */
export class Unknown extends Refusal {
  constructor(code: number, message: string) {
    super(code, "BadRequest", `fake Kubernetes API: ${message}`);
  }
}

type Named = Pick<Resource, "group" | "plural">;

function detailsOf({ group, plural }: Named, name: string, more: Fields = {}): Fields {
  return { name, ...(group === "" ? {} : { group }), kind: plural, ...more };
}

/** `configmaps "x"`, `poddisruptionbudgets.policy "x"`. */
function quoted({ group, plural }: Named, name: string): string {
  return `${group === "" ? plural : `${plural}.${group}`} "${name}"`;
}

export function notFound(resource: Named, name: string): Refusal {
  const message = `${quoted(resource, name)} not found`;
  return new Refusal(404, "NotFound", message, detailsOf(resource, name));
}

export function alreadyExists(resource: Named, name: string): Refusal {
  const message = `${quoted(resource, name)} already exists`;
  return new Refusal(409, "AlreadyExists", message, detailsOf(resource, name));
}

export function conflict(resource: Named, name: string, why: string): Refusal {
  const message = `Operation cannot be fulfilled on ${quoted(resource, name)}: ${why}`;
  return new Refusal(409, "Conflict", message, detailsOf(resource, name));
}

export function modified(resource: Named, name: string): Refusal {
  return conflict(
    resource,
    name,
    "the object has been modified; please apply your changes to the latest version and try again",
  );
}

export function invalid(
  resource: Pick<Resource, "group" | "kind">,
  name: string,
  field: string,
  why: string,
): Refusal {
  const kind = resource.group === "" ? resource.kind : `${resource.kind}.${resource.group}`;
  const reason = why.startsWith("Required") ? "FieldValueRequired" : "FieldValueInvalid";
  return new Refusal(422, "Invalid", `${kind} "${name}" is invalid: ${field}: ${why}`, {
    name,
    ...(resource.group === "" ? {} : { group: resource.group }),
    kind: resource.kind,
    causes: [{ reason, message: why, field }],
  });
}

export function forbidden(
  resource: Named,
  name: string,
  why: string,
  causes?: readonly Cause[],
): Refusal {
  const what = name === "" ? quoted(resource, "").replace(' ""', "") : quoted(resource, name);
  const details = detailsOf(resource, name, causes === undefined ? {} : { causes });
  if (name === "") delete details["name"];
  return new Refusal(403, "Forbidden", `${what} is forbidden: ${why}`, details);
}

export function badRequest(message: string): Refusal {
  return new Refusal(400, "BadRequest", message);
}

export function unauthorized(): Refusal {
  return new Refusal(401, "Unauthorized", "Unauthorized");
}

/** What a watch or a page too far back in the past is told. */
export function expired(message: string): Refusal {
  return new Refusal(410, "Expired", message);
}

/** @param retryAfterSeconds the header and the detail; 0 for neither, as an exhausted budget is answered */
export function tooManyRequests(
  message: string,
  retryAfterSeconds: number,
  causes: readonly Cause[],
): Refusal {
  return new Refusal(
    429,
    "TooManyRequests",
    message,
    { ...(retryAfterSeconds === 0 ? {} : { retryAfterSeconds }), causes },
    retryAfterSeconds === 0 ? {} : { "retry-after": String(retryAfterSeconds) },
  );
}

/** The Status of something that was done and leaves no object to show. */
export function success(code: number, details?: Fields): Status {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    ...(details === undefined ? { code } : { details }),
  };
}
