import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { follow } from "../src/kubernetes/follow.ts";
import { createKubernetes } from "../src/kubernetes/http.ts";
import { toNode } from "../src/kubernetes/objects.ts";

afterEach(() => void vi.useRealTimers());

/** A client of a server that answers each watch as told, and each list with nothing. */
async function connect(watch: RequestListener) {
  const server = createServer((request, response) => {
    if (request.url?.includes("watch=true")) watch(request, response);
    else response.end('{"metadata":{"resourceVersion":"1"},"items":[]}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const access = { server: `http://127.0.0.1:${port}`, tls: {}, headers: async () => ({}) };
  return createKubernetes(access);
}

test("a watch that is accepted and never answered fails, and is tried again", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const asked = Promise.withResolvers<void>();
  const kubernetes = await connect(() => asked.resolve());
  const ending = new AbortController();
  const failure = Promise.withResolvers<unknown>();
  const following = follow(kubernetes, { path: "/api/v1/nodes", signal: ending.signal }, toNode, {
    listed() {},
    changed() {},
    failed: failure.resolve,
  });
  await asked.promise;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(await failure.promise).toMatchObject({
    message: "the API server accepts a watch and does not answer",
  });
  ending.abort();
  await following;
});

test("a server that ends each watch at once is asked after growing pauses", async () => {
  let watches = 0;
  const kubernetes = await connect((_, response) => {
    watches += 1;
    response.end();
  });
  const ending = new AbortController();
  const pauses: number[] = [];
  let answers = 0;
  await follow(kubernetes, { path: "/api/v1/nodes", signal: ending.signal }, toNode, {
    listed() {},
    changed() {},
    answered() {
      answers += 1;
    },
    failed(error, retryMs) {
      expect(error).toMatchObject({ message: "the watch ended at once" });
      pauses.push(retryMs);
      if (pauses.length === 3) ending.abort();
    },
  });
  expect(pauses).toEqual([250, 500, 1000]);
  expect(watches).toBe(3);
  expect(answers).toBe(2); // the list and the first watch: from then on acceptance says nothing
});
