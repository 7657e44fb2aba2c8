import type { Service, ServicePort } from "../src/index.ts";

/** A Service that every engine judges, and whether the API server would take it as it is. */
export interface CorpusCase {
  service: Service & { metadata: { name: string; namespace: string } };
  legal: boolean;
}

const names = [
  ...["http", "http2", "https", "grpc", "grpc-web", "grpc-webhook", "mongo", "mysql", "redis"],
  ...[
    "tcp",
    "tls",
    "udp",
    "http-web",
    "tcp-",
    "otlp-grpc",
    "httpsfoobar",
    "web",
    "hbone",
    "thrift",
  ],
  ...["-http", "HTTP-web", "Grpc", "http_proxy", "http.web", "kubernetes.io/h2c"],
];
const appProtocols = [
  ...["http", "grpc", "GRPC", "grpc-v1", "http_proxy", "kubernetes.io/h2c", "kubernetes.io/ws"],
  ...[
    "kubernetes.io/wss",
    "kubernetes.io/H2C",
    "ssl",
    "postgresql",
    "h2c",
    "tcp-x",
    "grpc-website",
  ],
];
const odd: object[] = [
  {},
  { name: null },
  { name: "http", appProtocol: null },
  { name: "http", appProtocol: "" },
  { name: 5 },
  { name: "web", port: null },
  { name: "web", protocol: null },
  { name: "web", protocol: "udp" },
];

const label = /^(?!.*--)[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

function caseOf(
  index: number,
  ports: unknown,
  rest: Partial<CorpusCase> & { spec?: object; metadata?: object } = {},
): CorpusCase {
  const { legal = true, spec, metadata } = rest;
  return {
    service: {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: `s${index}`, namespace: "corpus", ...metadata },
      spec: { ...spec, ports: ports as ServicePort[] },
    },
    legal,
  };
}

/** One corpus for the library, OPA, Gatekeeper and the API server. */
export const corpus: readonly CorpusCase[] = [
  ...names.map((name) => ({ ports: [{ name, port: 8080 }], legal: label.test(name) })),
  ...names.map((name) => ({ ports: [{ name, port: 3306 }], legal: label.test(name) })),
  ...appProtocols.flatMap((appProtocol) =>
    ["http", "web"].map((name) => ({ ports: [{ name, port: 8080, appProtocol }], legal: true })),
  ),
  ...[25, 53, 3306, 27017, 8080].map((port) => ({ ports: [{ port }], legal: true })),
  ...["UDP", "SCTP", "TCP"].map((protocol) => ({
    ports: [{ name: "web", port: 53000, protocol }],
    legal: true,
  })),
  ...odd.map((port) => ({ ports: [port], legal: false })),
  {
    ports: [
      { name: "a", port: 1 },
      { name: "http-b", port: 2 },
      { name: "c", port: 3 },
    ],
    legal: true,
  },
  {
    ports: Array.from({ length: 12 }, (_, index) => ({ name: `p${index}`, port: index + 1 })),
    legal: true,
  },
  { ports: null, legal: false },
  { ports: [], legal: false },
  ...["tcp", "tcp-x", "web", "http"].map((name) => ({
    ports: [{ name, port: 80 }],
    legal: true,
    spec: { type: "ExternalName", externalName: "example.com" },
  })),
  ...[
    { labels: { istio: "pilot" } },
    { labels: { release: "istio" } },
    { labels: { release: "other" } },
    { labels: { "gateway.istio.io/managed": "istio.io-mesh-controller" } },
    { labels: { "gateway.istio.io/managed": "example.com" } },
    { labels: null },
  ].map((metadata) => ({ ports: [{ name: "web", port: 80 }], legal: true, metadata })),
].map(({ ports, ...rest }, index) => caseOf(index, ports, rest));

const labels = [
  ...[undefined, undefined, undefined, null, {}, { istio: "pilot" }, { istio: "" }],
  ...[{ release: "istio" }, { release: "x" }, { "gateway.istio.io/managed": "x" }],
  { "gateway.istio.io/managed": "istio.io-eastwest-controller" },
];

/** More Services of the same kind, chosen by the numbers. */
export function generateServices(count: number, numbers: Generator<number, never>): CorpusCase[] {
  const pick = <T>(list: readonly T[]) => list[Math.floor(numbers.next().value * list.length)] as T;
  const port = () => ({
    ...pick([{}, { name: null }, { name: pick(names) }, { name: pick(names) }]),
    ...pick([{}, {}, { appProtocol: pick(appProtocols) }, pick(odd)]),
    ...pick([{}, { port: pick([25, 53, 80, 3306, 27017]) }, { port: 8080 }, { port: 0 }]),
    ...pick([{}, {}, {}, { protocol: pick(["UDP", "TCP", "SCTP", "udp"]) }]),
  });
  return Array.from({ length: count }, (_, index) => {
    const ports = pick([null, [], [port()], [port()], [port(), port()], [port(), port(), port()]]);
    return caseOf(index, ports, {
      metadata: { labels: pick(labels), namespace: pick(["corpus", "corpus", "kube-system"]) },
      spec: pick([{}, {}, { type: "ExternalName" }, { type: "ClusterIP" }, { type: null }]),
    });
  });
}
