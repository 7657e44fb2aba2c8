import { expect, expectTypeOf, test } from "vitest";
import { type DecidedBy, detectProtocol, type Protocol, type ServicePort } from "../src/index.ts";

type Case = [port: ServicePort, protocol: Protocol, decidedBy: DecidedBy];

const decide = ([port, protocol, decidedBy]: Case, istioVersion?: string) =>
  expect(
    detectProtocol(port, { istioVersion }),
    `${JSON.stringify(port)} in ${istioVersion}`,
  ).toEqual({ protocol, decidedBy });

test("a name's protocol is the part before its first dash", () => {
  const cases: Case[] = [
    [{ name: "http" }, "HTTP", "name"],
    [{ name: "http-web" }, "HTTP", "name"],
    [{ name: "http2-web" }, "HTTP2", "name"],
    [{ name: "https" }, "HTTPS", "name"],
    [{ name: "http_proxy" }, "HTTP_PROXY", "name"],
    [{ name: "grpc-a-b" }, "GRPC", "name"],
    [{ name: "tcp" }, "TCP", "name"],
    [{ name: "tls-x" }, "TLS", "name"],
    [{ name: "mongo" }, "Mongo", "name"],
    [{ name: "mysql" }, "MySQL", "name"],
    [{ name: "redis-cache" }, "Redis", "name"],
    [{ name: "udp-on-tcp" }, "UDP", "name"],
    [{ name: "HTTP-Web" }, "HTTP", "name"],
    [{ name: "RED\u0130S" }, "Redis", "name"],
    [{ name: "redi\u017f" }, "UnsupportedProtocol", "none"],
    [{ name: "httpsfoobar" }, "UnsupportedProtocol", "none"],
    [{ name: "otlp-grpc" }, "UnsupportedProtocol", "none"],
    [{ name: "-http" }, "UnsupportedProtocol", "none"],
    [{ name: "http " }, "UnsupportedProtocol", "none"],
    [{ name: "hbone" }, "UnsupportedProtocol", "none"],
    [{ name: "constructor" }, "UnsupportedProtocol", "none"],
    [{}, "UnsupportedProtocol", "none"],
  ];
  for (const row of cases) decide(row);
});

test("grpc-web needs no boundary and no case", () => {
  for (const name of ["grpc-web", "grpc-web-x", "grpc-webhook", "grpc-website", "GRPC-WEB"]) {
    decide([{ name }, "GRPC-Web", "name"]);
    decide([{ appProtocol: name }, "GRPC-Web", "appProtocol"]);
  }
  decide([{ name: "grpc-we" }, "GRPC", "name"]);
  decide([{ name: "grpcweb" }, "UnsupportedProtocol", "none"]);
});

test("appProtocol wins over the name, however wrong it is", () => {
  const cases: Case[] = [
    [{ name: "http", appProtocol: "grpc" }, "GRPC", "appProtocol"],
    [{ name: "http", appProtocol: "GRPC-v1" }, "GRPC", "appProtocol"],
    [{ name: "http", appProtocol: "ssl" }, "UnsupportedProtocol", "none"],
    [{ name: "http", appProtocol: "" }, "UnsupportedProtocol", "none"],
    [{ name: "http", appProtocol: null }, "HTTP", "name"],
    [{ name: "x", appProtocol: "http_proxy" }, "HTTP_PROXY", "appProtocol"],
    [{ name: "x", appProtocol: "udp" }, "UDP", "appProtocol"],
  ];
  for (const row of cases) decide(row);
});

test("kubernetes.io values count whole, in their own case, and only as appProtocol", () => {
  const cases: Case[] = [
    [{ appProtocol: "kubernetes.io/h2c" }, "HTTP2", "appProtocol"],
    [{ appProtocol: "kubernetes.io/ws" }, "HTTP", "appProtocol"],
    [{ appProtocol: "kubernetes.io/wss" }, "HTTPS", "appProtocol"],
    [{ appProtocol: "kubernetes.io/H2C" }, "UnsupportedProtocol", "none"],
    [{ appProtocol: "kubernetes.io/h2c-x" }, "UnsupportedProtocol", "none"],
    [{ name: "kubernetes.io/h2c" }, "UnsupportedProtocol", "none"],
  ];
  for (const row of cases) decide(row);
});

test("UDP as transport comes before everything, in this case only", () => {
  decide([{ name: "http", appProtocol: "grpc", protocol: "UDP" }, "UDP", "transport-udp"]);
  decide([{ port: 53, protocol: "UDP" }, "UDP", "transport-udp"]);
  decide([{ name: "dns", protocol: "udp" }, "UnsupportedProtocol", "none"]);
  decide([{ name: "http", protocol: "SCTP" }, "HTTP", "name"]);
  decide([{ name: "http", protocol: null }, "HTTP", "name"]);
});

test("well-known ports are TCP when nothing else is known, an unknown appProtocol included", () => {
  for (const port of [25, 53, 3306, 27017]) {
    decide([{ port }, "TCP", "well-known-port"]);
    decide([{ port, name: "main" }, "TCP", "well-known-port"]);
    decide([{ port, appProtocol: "unknown" }, "TCP", "well-known-port"]);
    decide([{ port, name: "http" }, "HTTP", "name"]);
  }
  decide([{ port: 5432 }, "UnsupportedProtocol", "none"]);
});

test("a profile has the rules of its release", () => {
  const rows: [version: string, ...Case][] = [
    ["1.4", { name: "http_proxy" }, "UnsupportedProtocol", "none"],
    ["1.5", { name: "http_proxy" }, "HTTP_PROXY", "name"],
    ["1.5", { name: "x", appProtocol: "http" }, "UnsupportedProtocol", "none"],
    ["1.5", { name: "http", appProtocol: "x" }, "HTTP", "name"],
    ["1.6", { name: "x", appProtocol: "http" }, "HTTP", "appProtocol"],
    ["1.5", { name: "thrift" }, "UnsupportedProtocol", "none"],
    ["1.6", { name: "thrift-x" }, "TCP", "name"],
    ["1.13.9", { name: "thrift" }, "TCP", "name"],
    ["1.14", { name: "thrift" }, "UnsupportedProtocol", "none"],
    ["1.18", { appProtocol: "kubernetes.io/h2c" }, "UnsupportedProtocol", "none"],
    ["v1.19.0-rc.1", { appProtocol: "kubernetes.io/h2c" }, "HTTP2", "appProtocol"],
    ["1.23.4", { appProtocol: "kubernetes.io/ws" }, "UnsupportedProtocol", "none"],
    ["1.24", { appProtocol: "kubernetes.io/ws" }, "HTTP", "appProtocol"],
    ["1.24", { appProtocol: "kubernetes.io/wss" }, "HTTPS", "appProtocol"],
    ["1.99", { appProtocol: "kubernetes.io/wss" }, "HTTPS", "appProtocol"],
  ];
  for (const [version, ...row] of rows) decide(row, version);
});

test("a version that is none is refused", () => {
  for (const istioVersion of ["", "latest", "1", "2.0", "1.x", "11.2"]) {
    expect(() => detectProtocol({}, { istioVersion })).toThrow(/expected a release like 1\.24/);
  }
});

test("the types are the promised ones", () => {
  expectTypeOf(detectProtocol).returns.toEqualTypeOf<{
    protocol: Protocol;
    decidedBy: DecidedBy;
  }>();
});
