import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startProcess } from "@internal/test/cli";
import { cacheFolder } from "@internal/test/components";
import { beforeAll, expect, test } from "vitest";
import { detectProtocol, type ServicePort } from "../src/index.ts";
import { numbersFrom } from "./generate.ts";

const words = [
  ...["tcp", "udp", "grpc", "grpc-web", "http", "http_proxy", "http2", "https", "tls", "mongo"],
  ...["redis", "mysql", "thrift", "hbone", "kubernetes.io/h2c", "kubernetes.io/ws"],
  ...["kubernetes.io/wss", "", "-", "grpc-we", "web", "x", "\u0130", "\u017f", "\u212a", "é"],
];

function generatePorts(count: number, seed: number): ServicePort[] {
  const numbers = numbersFrom(seed);
  const pick = <T>(list: readonly T[]) => list[Math.floor(numbers.next().value * list.length)] as T;
  const text = () => {
    const joined = [pick(words), pick(["", "", "-", "x"]), pick(["", "", pick(words)])].join("");
    const cased = pick([0, 0, 0, 1, 2]);
    if (cased === 1) return joined.toUpperCase();
    if (cased === 2) return joined.replaceAll("i", "\u0130");
    return joined;
  };
  return Array.from({ length: count }, () => ({
    ...pick([{}, { name: text() }, { name: text() }]),
    ...pick([{}, {}, { appProtocol: text() }, { appProtocol: null }]),
    ...pick([{}, { port: pick([25, 53, 3306, 27017, 80, 5432]) }]),
    ...pick([{}, {}, { protocol: pick(["TCP", "UDP", "SCTP", "udp", ""]) }]),
  }));
}

let oracle: string;
beforeAll(async () => {
  oracle = process.env["TEST_ASSET_ISTIO_ORACLE"] ?? (await buildOracle());
}, 600_000);

async function buildOracle(): Promise<string> {
  const program = join(cacheFolder(), "istio-oracle");
  mkdirSync(cacheFolder(), { recursive: true });
  const cwd = fileURLToPath(new URL("../../../tools/istio-oracle", import.meta.url));
  const env = { ...process.env, GOTOOLCHAIN: "auto", CGO_ENABLED: "0", GOWORK: "off" };
  const go = startProcess("go", ["build", "-trimpath", "-o", program, "."], { cwd, env });
  const { code, stderr } = await go.ended;
  if (code !== 0) throw new Error(`tools/istio-oracle does not build:\n${stderr}`);
  return program;
}

async function ask(ports: ServicePort[]): Promise<string[]> {
  const input = ports.map((port) => JSON.stringify(port)).join("\n");
  const { code, stdout, stderr } = await startProcess(oracle, [], { input }).ended;
  if (code !== 0) throw new Error(stderr);
  return stdout.trimEnd().split("\n");
}

test("detectProtocol agrees with Istio's own conversion on 20 000 generated ports", async () => {
  const ports = generatePorts(20_000, 20_260_827);
  const istio = await ask(ports);
  expect(istio).toHaveLength(ports.length);
  const differ = ports.flatMap((port, index) => {
    const { protocol } = detectProtocol(port);
    return protocol === istio[index] ? [] : [{ port, ours: protocol, istio: istio[index] }];
  });
  expect(differ).toEqual([]);
  expect(new Set(istio).size).toBe(13);
});

test("the comparison finds planted mistakes", async () => {
  const ports = generatePorts(2000, 7);
  const istio = await ask(ports);
  const wrongWays: ((port: ServicePort) => ServicePort)[] = [
    (port) => ({ ...port, appProtocol: port.appProtocol || null }),
    (port) => ({ ...port, protocol: port.protocol?.toUpperCase() ?? null }),
    (port) => ({ ...port, name: port.name?.replace(/^grpc-web(?=\w)/, "grpc-") ?? null }),
    (port) => ({ ...port, appProtocol: port.appProtocol?.toLowerCase() ?? null }),
    ({ port, ...rest }) => rest,
  ];
  for (const [index, distort] of wrongWays.entries()) {
    const differ = ports.filter((port, at) => detectProtocol(distort(port)).protocol !== istio[at]);
    expect(differ.length, `mistake ${index}`).toBeGreaterThan(0);
  }
});
