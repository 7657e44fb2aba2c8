import { parseProtocol, type ServicePort } from "./protocol.ts";
import type { Protocol } from "./protocol-name.ts";
import { nameOf } from "./service.ts";

/** What a port most likely speaks, and why we think so. */
export interface Evidence {
  appProtocol: string;
  reason: string;
}

/** The best evidence there is for a port: what its name says, then its target port's name, then its number. */
export function bestEvidence(port: ServicePort & { targetPort?: unknown }): Evidence | undefined {
  const { targetPort } = port;
  return (
    fromParts(nameOf(port), "the name") ??
    (typeof targetPort === "string" ? fromParts(targetPort, "targetPort") : undefined) ??
    fromNumber(port.port) ??
    fromNumber(typeof targetPort === "number" ? targetPort : undefined)
  );
}

/** `otlp-grpc` says grpc. Two protocols in one name (`grpc-and-http`) say nothing. */
function fromParts(name: string, where: string): Evidence | undefined {
  const parts = name.toLowerCase().split(/[-_.]/);
  const found = new Set(parts.flatMap((part) => appProtocolOf(part) ?? []));
  const [appProtocol] = found;
  if (appProtocol === undefined || found.size > 1) return undefined;
  const part = parts.find((candidate) => appProtocolOf(candidate) === appProtocol);
  const means = part === appProtocol ? "" : `, which is ${appProtocol} to Istio`;
  return {
    appProtocol,
    reason: `${where} ${JSON.stringify(name)} has ${JSON.stringify(part)} in it${means}`,
  };
}

function appProtocolOf(part: string): string | undefined {
  // `udp` on a TCP port would take the port out of the mesh.
  if (part === "udp") return undefined;
  return parseProtocol(part) === undefined ? synonyms[part] : part;
}

/** Words for what Istio knows by another name; those whose server may speak first are tcp. */
const synonyms: Readonly<Record<string, string>> = {
  h2c: "http2",
  websocket: "http",
  ssl: "tls",
  mongodb: "mongo",
  mariadb: "mysql",
  postgres: "tcp",
  postgresql: "tcp",
  kafka: "tcp",
  amqp: "tcp",
  amqps: "tls",
  ssh: "tcp",
  sftp: "tcp",
  smtp: "tcp",
  ldap: "tcp",
  ldaps: "tls",
  mqtt: "tcp",
  zookeeper: "tcp",
  memcached: "tcp",
  cassandra: "tcp",
};

function fromNumber(number: number | undefined): Evidence | undefined {
  const known = number === undefined ? undefined : numbers[number];
  if (known === undefined) return undefined;
  const [appProtocol, what] = known;
  return { appProtocol, reason: `port ${number} is ${what}'s` };
}

/** Port numbers that one protocol alone is known for, with its name. */
const numbers: Readonly<Record<number, readonly [string, string]>> = {
  22: ["tcp", "SSH"],
  80: ["http", "HTTP"],
  389: ["tcp", "LDAP"],
  443: ["https", "HTTPS"],
  636: ["tls", "LDAP over TLS"],
  1883: ["tcp", "MQTT"],
  2181: ["tcp", "ZooKeeper"],
  4317: ["grpc", "OpenTelemetry over gRPC"],
  4318: ["http", "OpenTelemetry over HTTP"],
  5432: ["tcp", "PostgreSQL"],
  5671: ["tls", "AMQP over TLS"],
  5672: ["tcp", "AMQP"],
  6379: ["redis", "Redis"],
  8080: ["http", "HTTP"],
  9042: ["tcp", "Cassandra"],
  9092: ["tcp", "Kafka"],
  9411: ["http", "Zipkin"],
  11211: ["tcp", "memcached"],
  14250: ["grpc", "Jaeger over gRPC"],
  50051: ["grpc", "gRPC"],
};

/** The protocol a mistyped beginning of a name is closest to: `gprc`, `htttp-web`, `httpsfoo`. */
export function nearMiss(name: string, known: Iterable<string>): string | undefined {
  const head = name.toLowerCase().split("-", 1)[0] ?? "";
  if (head.length < 4) return undefined;
  const longestFirst = [...known].toSorted((a, b) => b.length - a.length);
  return (
    longestFirst.find((protocol) => isOneSlip(head, protocol)) ??
    longestFirst.find((protocol) => protocol.length > 3 && head.startsWith(protocol))
  );
}

/** One letter too many, too few or wrong, or two neighbours swapped. */
function isOneSlip(typed: string, meant: string): boolean {
  if (typed === meant || Math.abs(typed.length - meant.length) > 1) return false;
  let start = 0;
  while (start < meant.length && typed[start] === meant[start]) start++;
  const [a, b] = [typed.slice(start), meant.slice(start)];
  return (
    a.slice(1) === b ||
    a === b.slice(1) ||
    a.slice(1) === b.slice(1) ||
    (a.length > 1 && a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2))
  );
}

/** The text that stands for a protocol in a name or an `appProtocol`. */
export function textOf(protocol: Protocol): string {
  return protocol.toLowerCase();
}
