import { expect, test } from "vitest";
import { type CheckOptions, checkService, type Service, type ServicePort } from "../src/index.ts";

const service = (ports: ServicePort[], metadata: object = {}, spec: object = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "shop", ...metadata },
  spec: { ...spec, ports },
});
const wrong = { name: "web", port: 8080 };
const codes = (given: Service, options?: CheckOptions) =>
  checkService(given, options).map(({ severity, code }) => `${severity} ${code}`);

test("a port Istio cannot tell the protocol of is one finding, whole", () => {
  const found = checkService(
    service([
      { name: "http", port: 80 },
      { name: "otlp-grpc", port: 4317 },
    ]),
  );
  expect(found).toEqual([
    {
      rule: "istio",
      severity: "error",
      code: "IST0118",
      message:
        'Service shop web: Istio cannot tell the protocol of port 4317 "otlp-grpc"; set appProtocol, or begin the port\'s name with its protocol',
      suggestion: 'appProtocol: grpc, or name: grpc-otlp (the name "otlp-grpc" has "grpc" in it)',
      kind: "Service",
      namespace: "shop",
      service: "web",
      port: { index: 1, name: "otlp-grpc", number: 4317 },
      protocol: "UnsupportedProtocol",
      decidedBy: "none",
    },
  ]);
});

test("rule name looks at the name alone, in the original's words", () => {
  const name = { rule: "name" } as const;
  const message =
    "Service shop web: port name must match ^(grpc|http|http2|https|mongo|mysql|redis|tcp|tls|udp)($|-) to be routable by Istio";
  const ports = [
    { name: "https" },
    { name: "httpsfoobar" },
    {},
    { name: "x", appProtocol: "http" },
  ];
  const found = checkService(service(ports), name);
  expect(found.map(({ port, message, code }) => [port.index, code, message])).toEqual([
    [1, "port-name", message],
    [2, "port-name", message],
    [3, "port-name", message],
  ]);
  expect(codes(service([{ name: "HTTP" }, { name: "grpc-webhook" }]), name)).toHaveLength(1);
  expect(codes(service([{ name: "thrift-x" }]), { ...name, protocols: ["thrift"] })).toEqual([]);
  expect(() => checkService(service([]), { ...name, protocols: ["a|b"] })).toThrow(/"a\|b"/);
});

test("suggestions come from the name, the target port, the number and slips of the hand", () => {
  const suggestions: [object, RegExp | undefined][] = [
    [{ name: "database", port: 5432 }, /appProtocol: tcp, or name: tcp-database .*PostgreSQL/],
    [{ name: "httpsfoobar", port: 1 }, /appProtocol: https/],
    [{ name: "gprc-api", port: 1 }, /appProtocol: grpc, or name: grpc-api/],
    [{ name: "main", port: 1, targetPort: "grpc" }, /appProtocol: grpc/],
    [{ name: "http", port: 80, appProtocol: "ssl" }, /appProtocol: http .*"ssl"/],
    [{ name: "main", port: 1 }, undefined],
  ];
  for (const [port, expected] of suggestions) {
    const [found] = checkService(service([port]));
    if (expected === undefined) expect(found?.suggestion).toBeUndefined();
    else expect(found?.suggestion).toMatch(expected);
  }
});

test("an ExternalName Service is reported as Istio does: also for the plain name tcp", () => {
  const external = { type: "ExternalName" };
  for (const port of [
    { name: "tcp" },
    { name: "tcp", appProtocol: "https" },
    { name: "tcp", protocol: "UDP" },
    { name: "tcp", port: 3306 },
    { name: "web" },
  ]) {
    const found = service([port], {}, external);
    expect(codes(found), JSON.stringify(port)).toEqual(["error IST0150"]);
    // What is suggested elsewhere (`appProtocol: tcp`) would not mend it here.
    expect(checkService(found)[0]).not.toHaveProperty("suggestion");
  }
  for (const port of [{ name: "tcp-x" }, { name: "TCP" }, { appProtocol: "tcp" }]) {
    expect(codes(service([port], {}, external)), JSON.stringify(port)).toEqual([]);
  }
});

test("what Istio's analyzer skips is exempt", () => {
  const managed = "gateway.istio.io/managed";
  for (const metadata of [
    { namespace: "kube-system" },
    { namespace: "kube-public" },
    { namespace: "kube-node-lease" },
    { namespace: "local-path-storage" },
    { labels: { istio: "ingressgateway" } },
    { labels: { release: "istio" } },
    { labels: { [managed]: "istio.io-gateway-controller" } },
    { labels: { [managed]: "istio.io-mesh-controller" } },
    { labels: { [managed]: "istio.io-eastwest-controller" } },
  ]) {
    expect(codes(service([wrong], metadata)), JSON.stringify(metadata)).toEqual([]);
  }
  for (const metadata of [
    { namespace: "istio-system" },
    { labels: { release: "shop" } },
    { labels: { [managed]: "istio.io-agentgateway-waypoint-controller" } },
  ]) {
    expect(codes(service([wrong], metadata))).toEqual(["error IST0118"]);
  }
});

test("the suppress annotation is split at commas, blanks kept, and has a wildcard", () => {
  const annotated = (codes: string) => ({
    annotations: { "galley.istio.io/analyze-suppress": codes },
  });
  for (const [text, left] of [
    ["IST0118", 0],
    ["IST0102,IST0118", 0],
    ["*", 0],
    ["IST0102, IST0118", 1],
    ["ist0118", 1],
    ["IST0150", 1],
    ["", 1],
  ] as const) {
    expect(codes(service([wrong], annotated(text))), text).toHaveLength(left);
    expect(codes(service([wrong], annotated(text)), { rule: "name" }), text).toHaveLength(left);
  }
});

test("the opt-out label counts on the Service and on its Namespace", () => {
  const label = { "istio-port-policy": "disabled" };
  expect(checkService(service([wrong], { labels: label }))).toEqual([]);
  expect(checkService(service([wrong]), { namespaceLabels: label })).toEqual([]);
  expect(codes(service([wrong], { labels: { "istio-port-policy": "on" } }))).toHaveLength(1);
  const optOutLabel = "example.com/mesh";
  expect(codes(service([wrong], { labels: label }), { optOutLabel })).toHaveLength(1);
  expect(codes(service([wrong], { labels: { [optOutLabel]: "any" } }), { optOutLabel })).toEqual(
    [],
  );
  expect(() => checkService({}, { optOutLabel: "no label" })).toThrow(/KEY or KEY=VALUE/);
});

test("semantic warnings", () => {
  const warned: [ServicePort, string[], object?][] = [
    [{ name: "http", appProtocol: "grpc" }, ["contradiction"]],
    [{ name: "http", appProtocol: "http" }, []],
    [{ name: "udp-x", port: 1 }, ["udp-name-on-tcp-port"]],
    [{ name: "udp-x", protocol: "UDP" }, []],
    [{ name: "grpc-webhook" }, ["grpc-webhook", "ambient-unknown"]],
    [{ name: "grpc-web" }, ["ambient-unknown"]],
    [{ name: "http" }, ["headless-http"], { clusterIP: "None" }],
    [{ name: "tcp" }, [], { clusterIP: "None" }],
    [{ name: "mysql" }, ["filter-off", "ambient-unknown"]],
    [{ name: "redis" }, ["filter-off", "ambient-unknown"]],
    [{ name: "mongo" }, ["ambient-unknown"]],
    [{ name: "main-mysql", port: 3306 }, ["swapped-name"]],
    [{ name: "main", port: 3306 }, []],
  ];
  for (const [port, expected, spec] of warned) {
    expect(codes(service([port], {}, spec)), JSON.stringify(port)).toEqual(
      expected.map((code) => `warning ${code}`),
    );
  }
});

test("a Service with nothing in it is fine", () => {
  for (const given of [
    {},
    { spec: {} },
    { spec: { ports: null } },
    { metadata: { labels: null } },
  ]) {
    expect(checkService(given)).toEqual([]);
  }
  expect(checkService({ spec: { ports: [{}] } })[0]?.message).toMatch(
    /^Service default : Istio cannot tell the protocol of port \? \(unnamed\);/,
  );
});
