import { PolicyError } from "./errors.ts";
import type { Protocol } from "./protocol-name.ts";

/** What a release of Istio reads from a Service port. */
export interface IstioProfile {
  /** Whether it looks at `appProtocol` at all. */
  readsAppProtocol: boolean;
  /** What it makes of the text before the first dash, in lower case. */
  protocols: ReadonlyMap<string, Protocol>;
  /** The values of `appProtocol` that count as a whole and in exactly this case. */
  kubernetesValues: ReadonlyMap<string, Protocol>;
}

/** Each with the minor release of Istio 1 it came with, and where it went the first one without it. */
const protocols: readonly { text: string; protocol: Protocol; since: number; until?: number }[] = [
  { text: "grpc", protocol: "GRPC", since: 0 },
  { text: "http", protocol: "HTTP", since: 0 },
  { text: "http2", protocol: "HTTP2", since: 0 },
  { text: "http_proxy", protocol: "HTTP_PROXY", since: 5 },
  { text: "https", protocol: "HTTPS", since: 0 },
  { text: "mongo", protocol: "Mongo", since: 0 },
  { text: "mysql", protocol: "MySQL", since: 0 },
  { text: "redis", protocol: "Redis", since: 0 },
  { text: "tcp", protocol: "TCP", since: 0 },
  // Istio had a protocol of its own for it and proxied it as TCP unless its Thrift filter was on.
  { text: "thrift", protocol: "TCP", since: 6, until: 14 },
  { text: "tls", protocol: "TLS", since: 0 },
  { text: "udp", protocol: "UDP", since: 0 },
];

const kubernetesValues: readonly { text: string; protocol: Protocol; since: number }[] = [
  { text: "kubernetes.io/h2c", protocol: "HTTP2", since: 19 },
  { text: "kubernetes.io/ws", protocol: "HTTP", since: 24 },
  { text: "kubernetes.io/wss", protocol: "HTTPS", since: 24 },
];

const appProtocolSince = 6;

const profiles = new Map<number, IstioProfile>();

/**
 * The profile of a release.
 *
 * @param version `1.18`, `1.24.3`, `v1.30.0-rc.1`; none means the newest. One that is not out yet gets the newest.
 * @throws PolicyError (`ISTIO_VERSION`) when it is no version of Istio 1
 */
export function istioProfile(version?: string): IstioProfile {
  const minor = version === undefined ? Number.MAX_SAFE_INTEGER : minorOf(version);
  let profile = profiles.get(minor);
  if (profile === undefined) {
    profile = profileOf(minor);
    profiles.set(minor, profile);
  }
  return profile;
}

function profileOf(minor: number): IstioProfile {
  const known = ({ since, until = Number.POSITIVE_INFINITY }: { since: number; until?: number }) =>
    since <= minor && minor < until;
  const toMap = (rows: readonly { text: string; protocol: Protocol; since: number }[]) =>
    new Map(rows.filter(known).map(({ text, protocol }) => [text, protocol]));
  return {
    readsAppProtocol: minor >= appProtocolSince,
    protocols: toMap(protocols),
    kubernetesValues: toMap(kubernetesValues),
  };
}

function minorOf(version: string): number {
  const minor = /^v?1\.(\d+)(?:[.+-].*)?$/.exec(version)?.[1];
  if (minor === undefined) {
    throw new PolicyError(
      "ISTIO_VERSION",
      `Istio version ${JSON.stringify(version)}: expected a release like 1.24 or 1.24.3`,
    );
  }
  return Number(minor);
}
