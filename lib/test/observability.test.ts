import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { serveObservability } from "../src/observability.ts";

const registry = new Registry();

test("serves metrics, health and readiness, and says what is wrong", async () => {
  let problem: string | undefined = "no queue yet";
  const listen = "127.0.0.1:0";
  const served = await serveObservability({ listen, registry, ready: () => problem });
  const ask = async (path: string) => {
    const response = await fetch(served.url + path);
    return [response.status, await response.text()];
  };
  expect(await ask("/readyz")).toEqual([503, "no queue yet\n"]);
  expect(await ask("/healthz")).toEqual([200, "ok\n"]);
  problem = undefined;
  expect(await ask("/readyz")).toEqual([200, "ok\n"]);
  expect((await ask("/metrics"))[0]).toBe(200);
  expect((await ask("/other"))[0]).toBe(404);
  const { host } = new URL(served.url);
  const taken = serveObservability({ listen: host, registry, ready: () => undefined });
  await expect(taken).rejects.toThrow(`--listen ${host}: `);
  await served.close();
});

test.each(["9090x", "localhost", ":70000", "host:"])("refuses the address %s", async (listen) => {
  const served = serveObservability({ listen, registry, ready: () => undefined });
  await expect(served).rejects.toThrow(`--listen ${listen}: expected HOST:PORT or :PORT`);
});
