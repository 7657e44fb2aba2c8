import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import { UsageError } from "./errors.ts";

export interface Observability {
  /** Where it listens: `http://127.0.0.1:9090`. */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves `/metrics` (Prometheus), `/healthz` (the process works) and `/readyz` (it does its job).
 *
 * @param options.listen `HOST:PORT`, `:PORT` for every address, port 0 for a free one
 * @param options.health a sentence on what is wrong, or undefined; 503 with it until it is mended
 * @param options.ready the same for `/readyz`
 * @throws UsageError when the address is malformed or taken
 */
export async function serveObservability(options: {
  listen: string;
  registry: Registry;
  health?: () => string | undefined;
  ready: () => string | undefined;
}): Promise<Observability> {
  const { listen, registry, health = () => undefined, ready } = options;
  const { host, port } = parseListen(listen);
  const server = createServer(async (request, response) => {
    const path = request.url?.split("?")[0];
    if (path === "/metrics") {
      response.writeHead(200, { "content-type": registry.contentType });
      response.end(await registry.metrics());
      return;
    }
    if (path !== "/healthz" && path !== "/readyz") {
      response.writeHead(404).end("known are /metrics, /healthz and /readyz\n");
      return;
    }
    const problem = path === "/healthz" ? health() : ready();
    response.writeHead(problem === undefined ? 200 : 503, { "content-type": "text/plain" });
    response.end(`${problem ?? "ok"}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      reject(new UsageError(`--listen ${listen}: ${error.message}`, { cause: error }));
    });
    server.listen({ port, ...(host === "" ? {} : { host }) }, resolve);
  });
  const address = server.address() as AddressInfo;
  const shown = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${shown}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function parseListen(listen: string): { host: string; port: number } {
  const [, host, port] = listen.match(/^(?:\[?([^\]]*)\]?:)?(\d+)$/) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw new UsageError(`--listen ${listen}: expected HOST:PORT or :PORT`);
  }
  return { host: host ?? "", port: Number(port) };
}
