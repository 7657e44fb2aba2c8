import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { makeCertificate } from "./certificate.ts";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import { ask, linesOf, open } from "./http.ts";

interface Upstream extends AsyncDisposable {
  url: string;
  ca: string;
  /** `METHOD path body` of what arrived. */
  seen: string[];
  /** Ends the streams that were asked for with a last line. */
  tick(): void;
}

/** A server that echoes what it was sent; `/stream` gives a line a tick and never ends. */
async function startUpstream(secure: boolean): Promise<Upstream> {
  const { certificate, key } = makeCertificate("upstream");
  const seen: string[] = [];
  const streams = new Set<ServerResponse>();
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    for await (const part of request.setEncoding("utf8")) body += part;
    seen.push(`${request.method} ${request.url} ${body}`.trim());
    response.setHeader("x-token", request.headers.authorization ?? "none");
    if (request.url === "/stream") {
      streams.add(response);
      response.write("first\n");
    } else response.writeHead(201).end(`you sent ${body.length} bytes`);
  };
  const server = secure
    ? createTlsServer({ cert: certificate, key }, listener)
    : createServer(listener);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `${secure ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: certificate,
    seen,
    tick: () => {
      for (const stream of streams) stream.write("tick\n");
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

describe.each(["http", "https"])("the fault proxy over %s", (scheme) => {
  const start = async () => {
    const stack = new AsyncDisposableStack();
    const upstream = stack.use(await startUpstream(scheme === "https"));
    const proxy = stack.use(await startFaultProxy(upstream.url, { upstreamCa: upstream.ca }));
    return { upstream, proxy, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  };
  const put = (proxy: FaultProxy, path: string, body = "hello") =>
    ask(proxy, "PUT", path, { body, headers: { authorization: "Bearer secret" } });

  test("passes requests and answers through, tokens included, and logs them", async () => {
    await using it = await start();
    const answer = await put(it.proxy, "/things/1?a=b");
    expect(answer).toMatchObject({ status: 201, text: "you sent 5 bytes" });
    expect(answer.headers).toMatchObject({ "x-token": "Bearer secret" });
    expect(it.upstream.seen).toEqual(["PUT /things/1?a=b hello"]);
    const [logged] = it.proxy.log;
    expect(logged).toMatchObject({ index: 1, method: "PUT", path: "/things/1?a=b", body: "hello" });
    expect(logged).toMatchObject({ status: 201, headers: { authorization: "Bearer secret" } });
    const { receivedAt, forwardedAt, answeredAt, endedAt } = logged!;
    const instants = [receivedAt, forwardedAt, answeredAt, endedAt];
    expect(instants).toEqual(instants.map(Number).toSorted());
    expect(new URL(it.proxy.url).protocol).toBe(`${scheme}:`);
  });

  test("delays", async () => {
    await using it = await start();
    it.proxy.on({ path: "/slow" }, { kind: "delay", ms: 60 });
    await put(it.proxy, "/slow");
    const [{ receivedAt, forwardedAt = 0 } = { receivedAt: 0 }] = it.proxy.log;
    expect(forwardedAt - receivedAt).toBeGreaterThanOrEqual(50);
    expect(it.upstream.seen).toHaveLength(1);
  });

  test("cuts before forwarding: the server hears nothing", async () => {
    await using it = await start();
    it.proxy.on({}, { kind: "cut-before" });
    await expect(put(it.proxy, "/1")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(it.upstream.seen).toEqual([]);
  });

  test("cuts after the server applied: it did the work, the client never knows", async () => {
    await using it = await start();
    it.proxy.on({}, { kind: "cut-after" });
    await expect(put(it.proxy, "/1")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(it.upstream.seen).toEqual(["PUT /1 hello"]);
    expect(it.proxy.log[0]).toMatchObject({ status: 201, fault: { kind: "cut-after" } });
  });

  test("answers by itself with a status and headers", async () => {
    await using it = await start();
    const busy = { reason: "TooManyRequests" };
    const headers = { "retry-after": "1" };
    it.proxy.on({}, { kind: "answer", status: 429, headers, body: busy });
    const answer = await put(it.proxy, "/1");
    expect(answer).toMatchObject({ status: 429, headers, text: JSON.stringify(busy) });
    expect(it.upstream.seen).toEqual([]);
  });

  test("is a black hole: no answer, no end, and the server hears nothing", async () => {
    await using it = await start();
    it.proxy.on({}, { kind: "black-hole" });
    const arrived = it.proxy.next();
    const lost = ask(it.proxy, "GET", "/1");
    lost.catch(() => {}); // the proxy's end ends it
    await arrived;
    expect(await Promise.race([lost, sleep(100, "silence")])).toBe("silence");
    expect(it.upstream.seen).toEqual([]);
  });

  test("swallows the answer: the server did the work, the connection stays open", async () => {
    await using it = await start();
    it.proxy.on({}, { kind: "swallow" });
    const applied = new Promise<undefined>((resolve) => {
      it.proxy.afterApplied = () => void resolve(undefined);
    });
    const lost = ask(it.proxy, "GET", "/1");
    lost.catch(() => {}); // the proxy's end ends it
    await applied;
    expect(await Promise.race([lost, sleep(100, "silence")])).toBe("silence");
    expect(it.upstream.seen).toEqual(["GET /1"]);
  });

  test("slows a body down without changing it", async () => {
    await using it = await start();
    it.proxy.on({}, { kind: "slow-body", bytes: 4, everyMs: 20 });
    const before = performance.now();
    expect((await put(it.proxy, "/1")).text).toBe("you sent 5 bytes"); // 16 bytes: four pieces
    expect(performance.now() - before).toBeGreaterThanOrEqual(50);
  });

  test("freezes a stream after so many bytes", async () => {
    await using it = await start();
    it.proxy.on({ path: "/stream" }, { kind: "freeze", afterBytes: "first\n".length });
    const lines = linesOf(await open(it.proxy, "GET", "/stream"));
    expect((await lines.next()).value).toBe("first");
    it.upstream.tick();
    expect(await Promise.race([lines.next(), sleep(100, "silence")])).toBe("silence");
  });

  test("freezes and cuts streams that are under way", async () => {
    await using it = await start();
    const lines = linesOf(await open(it.proxy, "GET", "/stream"));
    await lines.next();
    it.upstream.tick();
    expect((await lines.next()).value).toBe("tick");
    it.proxy.freeze({ path: "/stream" });
    it.upstream.tick();
    const next = lines.next();
    next.catch(() => {}); // it fails below, when somebody listens
    expect(await Promise.race([next, sleep(100, "silence")])).toBe("silence");
    it.proxy.cut({ path: "/stream" });
    await expect(next).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  test("finds requests by method, path and their count, and forgets rules", async () => {
    await using it = await start();
    const teapot = { kind: "answer", status: 418 } as const;
    const remove = it.proxy.on({ method: "PUT", path: /^\/a\//, nth: [2, 3] }, teapot);
    const statusOf = async (path: string) => (await put(it.proxy, path)).status;
    expect(await statusOf("/a/1")).toBe(201);
    expect(await statusOf("/b/1")).toBe(201);
    expect(await statusOf("/a/2")).toBe(418);
    expect((await ask(it.proxy, "GET", "/a/3")).status).toBe(201);
    remove();
    expect(await statusOf("/a/3")).toBe(201);
    it.proxy.on({}, ({ path }) => (path === "/teapot" ? teapot : undefined));
    expect([await statusOf("/teapot"), await statusOf("/a")]).toEqual([418, 201]);
    it.proxy.clear();
    expect(await statusOf("/teapot")).toBe(201);
  });

  test("calls back before it forwards and after the server applied", async () => {
    await using it = await start();
    const calls: string[] = [];
    it.proxy.beforeForward = async ({ index }) => {
      await sleep(1);
      calls.push(`before ${index}: ${it.upstream.seen.length} seen`);
      return index === 2 ? { kind: "cut-before" } : undefined;
    };
    it.proxy.afterApplied = ({ index, status }) => {
      calls.push(`after ${index}: ${it.upstream.seen.length} seen, ${status}`);
      return undefined;
    };
    await put(it.proxy, "/1");
    await expect(put(it.proxy, "/2")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(calls).toEqual(["before 1: 0 seen", "after 1: 1 seen, 201", "before 2: 1 seen"]);
  });

  test("tells of the next request on a route", async () => {
    await using it = await start();
    const next = it.proxy.next({ path: "/b" });
    await put(it.proxy, "/a");
    await put(it.proxy, "/b", "two");
    expect(await next).toMatchObject({ path: "/b", body: "two" });
  });
});

test("a server that is away looks away through the proxy", async () => {
  const upstream = await startUpstream(false);
  await using proxy = await startFaultProxy(upstream.url);
  await upstream[Symbol.asyncDispose]();
  await expect(ask(proxy, "GET", "/")).rejects.toMatchObject({ code: "ECONNRESET" });
});

test("a server whose certificate is not trusted is not talked to", async () => {
  await using upstream = await startUpstream(true);
  await using proxy = await startFaultProxy(upstream.url);
  const { status, text } = await ask(proxy, "GET", "/");
  expect({ status, text }).toEqual({ status: 502, text: expect.stringContaining("self-signed") });
  expect(upstream.seen).toEqual([]);
});
