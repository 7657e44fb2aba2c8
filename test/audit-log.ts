import { randomUUID } from "node:crypto";
import { open, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** One request that the API server answered; a watch counts from its beginning. */
export interface AuditEntry {
  id: string;
  /** `system:serviceaccount:NAMESPACE:NAME`, `admin`, `kube-controller-manager`, … */
  user: string;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`. */
  verb: string;
  /** With the subresource: `pods`, `pods/eviction`. Empty for what is no resource, such as /readyz. */
  resource: string;
  namespace?: string;
  name?: string;
  /** Path and query as they came. */
  uri: string;
  userAgent: string;
  /** The HTTP status. */
  code: number;
  /** When it came in. */
  at: Date;
}

/** What must be equal for an entry to count; what is left out may be anything. */
export type AuditFilter = Partial<
  Pick<AuditEntry, "user" | "verb" | "resource" | "namespace" | "name" | "code" | "userAgent">
>;

/** What the API server saw, from the moment this log was opened. */
export interface AuditLog {
  /** Everything answered until now that fits the filter, in the order of the answers. */
  entries(filter?: AuditFilter): Promise<AuditEntry[]>;
  count(filter?: AuditFilter): Promise<number>;
}

/**
 * Opens the API server's audit log at its end.
 * `mark` makes one request with the given path, which must show up in the log.
 */
export async function openAuditLog(
  file: string,
  mark: (path: string) => Promise<unknown>,
): Promise<AuditLog> {
  const entries = new Map<string, AuditEntry>();
  const markers = new Set<string>();
  let offset = (await stat(file)).size;

  const readOn = async () => {
    const { lines, end } = await readLines(file, offset);
    offset = end;
    for (const entry of lines.map(parseEntry)) {
      if (entry.uri.startsWith(markerPath)) markers.add(entry.uri);
      else entries.set(entry.id, entry);
    }
  };
  const entriesSoFar = async (filter: AuditFilter = {}) => {
    const marker = `${markerPath}${randomUUID()}`;
    await mark(marker);
    for (await readOn(); !markers.has(marker); await readOn()) await sleep(10);
    return [...entries.values()].filter((entry) => fits(entry, filter));
  };
  return { entries: entriesSoFar, count: async (filter) => (await entriesSoFar(filter)).length };
}

/** A request of our own: once it is in the log, so is all that was answered before it. */
const markerPath = "/version?audit-log-marker=";

function fits(entry: AuditEntry, filter: AuditFilter): boolean {
  return Object.entries(filter).every(([key, value]) => entry[key as keyof AuditFilter] === value);
}

/** The whole lines of a file from an offset on, in bytes, and where they end. */
async function readLines(file: string, from: number): Promise<{ lines: string[]; end: number }> {
  await using handle = await open(file);
  const { size } = await handle.stat();
  const buffer = Buffer.alloc(size - from);
  await handle.read(buffer, 0, buffer.length, from);
  const length = buffer.lastIndexOf("\n") + 1;
  const lines = buffer.toString("utf8", 0, length).split("\n").slice(0, -1);
  return { lines, end: from + length };
}

/** As much of audit.k8s.io/v1 Event as is used here. */
interface Event {
  auditID: string;
  verb: string;
  requestURI: string;
  user: { username: string };
  userAgent?: string;
  objectRef?: { resource: string; subresource?: string; namespace?: string; name?: string };
  responseStatus?: { code?: number };
  requestReceivedTimestamp: string;
}

function parseEntry(line: string): AuditEntry {
  const event: Event = JSON.parse(line);
  const { resource = "", subresource, namespace, name } = event.objectRef ?? {};
  return {
    id: event.auditID,
    user: event.user.username,
    verb: event.verb,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    uri: event.requestURI,
    userAgent: event.userAgent ?? "",
    code: event.responseStatus?.code ?? 0,
    at: new Date(event.requestReceivedTimestamp),
  };
}
