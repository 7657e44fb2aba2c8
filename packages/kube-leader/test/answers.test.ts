/** What comes in place of the API server's answers, from it or from what stands between: an election bears it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Fault, type Route, startFaultProxy } from "@internal/test/fault-proxy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Candidates, namespace, startCandidates, through } from "./candidates.ts";

let candidates: Candidates;
beforeAll(async () => {
  candidates = await startCandidates();
});
afterAll(() => candidates[Symbol.asyncDispose]());

const stay = ["sh", "-c", 'echo "leads as $KUBE_LEADER_POD"; exec sleep 60'];

/** The first requests that a candidate makes for a free lock, and those of one that waits. */
const configMaps = `/namespaces/${namespace}/configmaps`;
const list: Route = { method: "GET", path: /\/configmaps\?(?!.*watch=true)/ };
const create: Route = { method: "POST", path: configMaps };
const self: Route = { method: "GET", path: "/pods?" };
const watches: Route = { path: "watch=true" };

const html = "<html><body>default backend</body></html>";
const answer = (status: number, body: string | object, headers = {}): Fault => {
  return { kind: "answer", status, body, headers };
};
/** As the API server refuses: in an object of its own. */
const status = (code: number) => ({ kind: "Status", apiVersion: "v1", metadata: {}, code });
const refusal = (code: number, headers = {}): Fault => answer(code, status(code), headers);
const event = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;

const proxied = () =>
  startFaultProxy(candidates.cluster.url, { upstreamCa: candidates.cluster.ca });
let locks = 0;
const another = (what: string) => {
  locks += 1;
  return `${what}${locks}`;
};

describe.concurrent("a candidate leads all the same, after one line of trouble at most", () => {
  test.each<[string, Route, Fault]>([
    ["HTML with 200 for a list", list, answer(200, html)],
    ["HTML with 404 for a list", list, answer(404, html)],
    ["HTML with 404 for a create", create, answer(404, html)],
    ["HTML with 502 for a create", create, answer(502, html)],
    ["HTML with 400", list, answer(400, html)],
    ["a redirect to a login", list, answer(302, "", { location: "/login" })],
    ["a proxy's request timeout", create, answer(408, html)],
    ["nothing with 204", list, answer(204, "")],
    ["null for a list", list, answer(200, "null")],
    ["an empty object for a list", list, answer(200, {})],
    ["an empty object for a create", create, answer(201, {})],
    ["null for its own pod", self, answer(200, "null")],
    ["a Status for a list", list, answer(200, status(200))],
    ["a list of nothing", list, answer(200, { metadata: null })],
    ["a list without items", list, answer(200, { metadata: { resourceVersion: "1" } })],
    [
      "a list of empty objects",
      list,
      answer(200, { metadata: { resourceVersion: "1" }, items: [{}] }),
    ],
    ["404 for a list", list, refusal(404)],
    ["408 for a list", list, refusal(408)],
    ["409 for a list", list, refusal(409)],
    ["a Status for a create", create, answer(201, status(201))],
    ["307 for a create", create, refusal(307)],
    ["408 for a create", create, refusal(408)],
    ["404 for its own pod", self, refusal(404)],
    ["410 for its own pod", self, refusal(410)],
    ["a Status for its own pod", self, answer(200, status(200))],
    ["no items for its own pod", self, answer(200, { metadata: { resourceVersion: "1" } })],
    ["half a list", list, answer(200, '{"items":[', { "content-length": "99" })],
    ["gzip that nobody asked for", list, answer(200, html, { "content-encoding": "gzip" })],
    ["401 for a list", list, refusal(401)],
    ["403 for a list", list, refusal(403)],
    ["403 for a create", create, refusal(403)],
    ["403 for its own pod", self, refusal(403)],
    ["409 for a create", create, refusal(409)],
    ["410 for a list", list, refusal(410)],
    ["429 until a date", list, refusal(429, { "retry-after": "Fri, 31 Dec 1999 23:59:59 GMT" })],
    ["429 for less than no time", list, refusal(429, { "retry-after": "-7" })],
    ["500 for a list", list, refusal(500)],
    ["504 for a create", create, refusal(504)],
  ])("%s", async (_, route, fault) => {
    const lock = another("answers");
    await using proxy = await proxied();
    proxy.on({ ...route, nth: 1 }, fault);
    const cli = candidates.start(through(proxy, candidates.pod(`${lock}-0`)), [lock, ...stay]);
    await cli.printed(/leads as/);
    const told = cli.output().stderr.trim().split("\n");
    expect(told.filter((line) => !line.endsWith(`leads ${lock}`)).length).toBeLessThan(2);
    expect(proxy.log.some((exchange) => exchange.fault !== undefined)).toBe(true);
  });
});

describe.concurrent("a waiter leads when its turn has come, although its watches tell", () => {
  test.each<[string, Fault]>([
    ["HTML", answer(200, html)],
    ["nothing", answer(200, "")],
    ["null", answer(200, "null\n")],
    ["of an unknown event", answer(200, event("RENAMED", { metadata: { resourceVersion: "9" } }))],
    ["of no object", answer(200, event("ADDED", null))],
    ["of an object without metadata", answer(200, event("DELETED", {}))],
    ["of an error without words", answer(200, event("ERROR", null))],
    ["404 in HTML", answer(404, html)],
    ["500", refusal(500)],
    ["nobody, their connections cut", { kind: "cut-before" }],
  ])("%s, always", async (_, fault) => {
    const lock = another("watches");
    await candidates.start(candidates.pod(`${lock}-0`), [lock, "true"]).ended;
    await using proxy = await proxied();
    proxy.on(watches, fault);
    const cli = candidates.start(through(proxy, candidates.pod(`${lock}-1`)), [lock, ...stay]);
    await cli.printed(/waiting for/);
    const tries = () => proxy.log.filter(({ path }) => path.includes("watch=true")).length;
    await expect.poll(tries).toBeGreaterThan(3);
    await candidates.deletePod(`${lock}-0`);
    await cli.printed(/leads as/);
    // Said once, however often they break.
    expect(cli.output().stderr.match(/trying again/g)?.length ?? 0).toBeLessThan(2);
  });
});

test("an outage in which broken connections and 503 take turns is told once of each", async () => {
  await using proxy = await proxied();
  let requests = 0;
  proxy.on({}, () => {
    requests += 1;
    if (requests > 6) return undefined;
    return requests % 2 === 0 ? refusal(503) : { kind: "cut-before" };
  });
  const cli = candidates.start(through(proxy, candidates.pod("turns-0")), ["turns", ...stay]);
  await cli.printed(/leads as/);
  const lines = cli
    .output()
    .stderr.split("\n")
    .filter((line) => line.includes("trying again"));
  expect(lines.map((line) => /cannot reach|answers 503/.exec(line)?.[0])).toEqual([
    "cannot reach",
    "answers 503",
  ]);
});

test("a hiccup of refusals is no role: nobody leads beside a holder that was seen", async () => {
  await candidates.start(candidates.pod("hiccup-0"), ["hiccup", "true"]).ended;
  await using proxy = await proxied();
  const pods: Route = { method: "GET", path: /\/pods\?(?!.*watch=true)/ };
  const refused = proxy.next(pods);
  const allow = proxy.on(pods, refusal(403));
  const cli = candidates.start(through(proxy, candidates.pod("hiccup-1")), ["hiccup", ...stay]);
  await refused;
  await candidates.request("DELETE", "configmaps/hiccup");
  await sleep(1_000);
  allow();
  const isAllowed = () =>
    proxy.log.some(({ path, status }) => path.includes("/pods?") && status === 200);
  await expect.poll(isAllowed, { timeout: 10_000 }).toBe(true);
  expect(proxy.log.filter(({ method }) => method === "POST")).toEqual([]);
  await candidates.deletePod("hiccup-0");
  await cli.printed(/leads as/);
});

test("the authority's certificate is read anew for every connection", async () => {
  await candidates.start(candidates.pod("authority-0"), ["authority", "true"]).ended;
  await using proxy = await proxied();
  const env = through(proxy, candidates.pod("authority-1"));
  const cli = candidates.start(env, ["authority", ...stay]);
  await cli.printed(/waiting for/);
  const file = join(env["KUBE_LEADER_SERVICE_ACCOUNT_DIR"] ?? "", "ca.crt");
  writeFileSync(file, candidates.cluster.ca ?? "");
  proxy.cut();
  await cli.printed(/not from the authority in ca\.crt/);
  writeFileSync(file, proxy.ca ?? "");
  await candidates.deletePod("authority-0");
  await cli.printed(/leads as/);
});
