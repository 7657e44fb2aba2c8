import type { Protocol } from "./protocol-name.ts";

/** What a protocol means for the traffic of a port. */
export interface Meaning {
  /** With a sidecar proxy. */
  sidecar: string;
  /** In ambient mode, by ztunnel and a waypoint. */
  ambient: string;
  /** Whether ambient mode has a word for the protocol. */
  ambientKnows: boolean;
}

const known = (sidecar: string, ambient: string): Meaning => ({
  sidecar,
  ambient,
  ambientKnows: true,
});
const unknown = (sidecar: string): Meaning => ({
  sidecar,
  ambient: "not known: as without a protocol",
  ambientKnows: false,
});

const httpRouting = "HTTP routes, retries, authorization by request";

const meanings: Readonly<Record<Protocol, Meaning>> = {
  HTTP: known(httpRouting, `HTTP at a waypoint`),
  HTTP2: known(`${httpRouting}, over HTTP/2`, "HTTP/2 at a waypoint"),
  GRPC: known(`${httpRouting}, over HTTP/2`, "gRPC at a waypoint"),
  "GRPC-Web": unknown(`${httpRouting}, gRPC-Web translated`),
  HTTP_PROXY: unknown("HTTP for a forward proxy"),
  HTTPS: known("TLS passed through, routed by SNI", "TLS passed through"),
  TLS: known("TLS passed through, routed by SNI", "TLS passed through"),
  TCP: known("TCP, connections only", "TCP, connections only"),
  UDP: {
    sidecar: "not proxied: outside the mesh",
    ambient: "not proxied: outside the mesh",
    ambientKnows: false,
  },
  Mongo: unknown("TCP with MongoDB statistics"),
  MySQL: unknown("TCP; the MySQL filter is off by default"),
  Redis: unknown("TCP; the Redis filter is off by default"),
  UnsupportedProtocol: unknown("guessed for each connection; a server that speaks first hangs"),
};

/** What a protocol means in sidecar and in ambient mode. */
export function meaningOf(protocol: Protocol): Meaning {
  return meanings[protocol];
}
