import type { Agent as HttpAgent, IncomingMessage, ServerResponse } from "node:http";
import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { Exchange } from "./rules.ts";

/** Headers that speak of one connection, not of the message. */
const hopByHop = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

export interface Upstream {
  url: URL;
  /** PEM of the authority to trust, for https. */
  ca: string | undefined;
  agent: HttpAgent;
}

/** Sends the request on and resolves with the server's answer, its body still to come. */
export function forward(
  { url, ca, agent }: Upstream,
  incoming: IncomingMessage,
  body: Buffer,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const headers = withoutHopByHop(incoming.rawHeaders);
  const hadBody =
    incoming.headers["content-length"] !== undefined ||
    incoming.headers["transfer-encoding"] !== undefined;
  if (hadBody) setHeader(headers, "Content-Length", String(body.length));
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? tlsRequest : plainRequest;
    const { method, url: path } = incoming;
    const outgoing = send({
      ...{ protocol: url.protocol, hostname: url.hostname, port: url.port },
      ...{ method, path, headers: headers as never, agent, signal },
      ...(ca === undefined ? {} : { ca }),
    });
    outgoing.once("response", resolve).once("error", reject);
    outgoing.end(body);
  });
}

/** Raw headers, a flat list of names and values, so that order, case and repetition survive. */
function withoutHopByHop(raw: readonly string[]): string[] {
  const pairs = Array.from({ length: raw.length / 2 }, (_, at) => raw.slice(2 * at, 2 * at + 2));
  return pairs.filter(([name = ""]) => !hopByHop.includes(name.toLowerCase())).flat();
}

function setHeader(headers: string[], name: string, value: string): void {
  const at = headers.findIndex(
    (text, index) => index % 2 === 0 && text.toLowerCase() === name.toLowerCase(),
  );
  if (at < 0) headers.push(name, value);
  else headers[at + 1] = value;
}

/** How the body of an answer is passed on. */
export interface Flow {
  /** Bytes of the body after which nothing more is passed on; changed at run time to freeze a stream. */
  limit: number;
  slow?: { bytes: number; everyMs: number };
}

/** Passes the server's answer on to the client as the flow says, until one of them ends. */
export async function relay(
  answer: IncomingMessage,
  response: ServerResponse,
  exchange: Exchange,
  flow: Flow,
): Promise<void> {
  response.writeHead(answer.statusCode ?? 502, withoutHopByHop(answer.rawHeaders));
  response.flushHeaders();
  let passed = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const room = Math.max(0, flow.limit - passed);
    for (const piece of piecesOf(chunk.subarray(0, room), flow.slow?.bytes)) {
      if (response.destroyed) return; // the client went away
      response.write(piece);
      if (flow.slow !== undefined) await sleep(flow.slow.everyMs);
    }
    passed += Math.min(chunk.length, room);
  }
  exchange.endedAt = Date.now();
  // A frozen answer does not end either.
  if (passed < flow.limit) response.end();
}

function piecesOf(chunk: Buffer, bytes = chunk.length): Buffer[] {
  if (chunk.length === 0) return [];
  return Array.from({ length: Math.ceil(chunk.length / bytes) }, (_, index) =>
    chunk.subarray(index * bytes, (index + 1) * bytes),
  );
}
