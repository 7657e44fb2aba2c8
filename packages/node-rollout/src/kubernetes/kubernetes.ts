/** The Kubernetes API as this package uses it: one request, one watch. Everything else is built on these two. */
export interface Kubernetes {
  /**
   * Sends one request, once.
   *
   * @returns the answer's object
   * @throws ApiError for an answer that is no success; whatever the connection throws when there is none
   */
  request<T = object>(request: KubernetesRequest): Promise<T>;
  /**
   * Watches a collection until the server or the signal ends it.
   *
   * @throws ApiError 410 when `resourceVersion` is too old; whatever the connection throws when it breaks
   */
  watch(request: WatchRequest): AsyncIterable<WatchEvent>;
}

export type Query = Record<string, string | number | boolean | undefined>;

export interface KubernetesRequest {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  /** `/api/v1/nodes/NAME`, its parts encoded with {@link segment} where they come from outside. */
  path: string;
  query?: Query;
  body?: object;
  /** What a PATCH's body is. @default "merge" */
  patch?: "merge" | "json";
  signal?: AbortSignal | undefined;
}

export interface WatchRequest {
  path: string;
  query?: Query;
  resourceVersion: string;
  signal?: AbortSignal | undefined;
  /** Called when the server has accepted the watch; its first event may be minutes away. */
  opened?: (() => void) | undefined;
}

export interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  object: object;
}

/** An answer of the API server that is no success. */
export class ApiError extends Error {
  override name = "ApiError";
  /** The HTTP status. */
  readonly code: number;
  /** Kubernetes' word for it: `NotFound`, `Conflict`, `TooManyRequests`. */
  readonly reason: string;
  /** The reasons of the causes: `DisruptionBudget`, `NamespaceTerminating`. */
  readonly causes: string[];
  readonly retryAfterSeconds: number | undefined;

  constructor(code: number, status: Partial<Status>, retryAfter?: string) {
    super(code === 401 ? notKnown : (status.message ?? `the API server answered ${code}`));
    this.code = code;
    this.reason = status.reason ?? "";
    this.causes = (status.details?.causes ?? []).map(({ reason }) => reason ?? "");
    const seconds = Number(retryAfter ?? status.details?.retryAfterSeconds);
    this.retryAfterSeconds = seconds > 0 ? seconds : undefined;
  }
}

/** The server's own word for it is "Unauthorized", which sends people to look at their roles. */
const notKnown =
  "the API server does not accept the token or certificate (401); log in again, or choose another --context";

/** `kind: Status`, how the API server explains itself. */
export interface Status {
  message?: string;
  reason?: string;
  code?: number;
  details?: { causes?: { reason?: string }[]; retryAfterSeconds?: number };
}

/** True for an ApiError with one of these HTTP statuses. */
export function isApiError(error: unknown, ...codes: number[]): error is ApiError {
  return error instanceof ApiError && (codes.length === 0 || codes.includes(error.code));
}

/** A name as a part of a path. */
export function segment(name: string): string {
  return encodeURIComponent(name);
}
