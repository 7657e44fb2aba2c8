import { Agent as HttpAgent, type IncomingMessage, request as plainRequest } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { text } from "node:stream/consumers";

/** Where requests go: a fake, a proxy, or a real server. */
export interface Server {
  url: string;
  /** PEM of the authority to trust, for https. */
  ca?: string | undefined;
}

export interface Ask {
  headers?: Record<string, string>;
  /** An object is sent as JSON. */
  body?: string | object;
  signal?: AbortSignal;
  /** Leaves out Content-Length, as node:http does by itself for a DELETE with a body. */
  withoutLength?: boolean;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** Sends one request over a connection of its own and reads the whole answer. */
export async function ask(
  server: Server,
  method: string,
  path: string,
  options: Ask = {},
): Promise<Answer> {
  const response = await open(server, method, path, options);
  const { statusCode: status = 0, headers } = response;
  return { status, headers, text: await text(response) };
}

/** Sends one request and resolves when the status has come, the body still to be read. */
export function open(
  { url, ca }: Server,
  method: string,
  path: string,
  { headers = {}, body, signal, withoutLength = false }: Ask = {},
): Promise<IncomingMessage> {
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === "https:";
  const payload = typeof body === "object" ? JSON.stringify(body) : body;
  const type = typeof body === "object" ? { "content-type": "application/json" } : {};
  const length =
    payload === undefined || withoutLength ? {} : { "content-length": Buffer.byteLength(payload) };
  return new Promise((resolve, reject) => {
    const request = (secure ? tlsRequest : plainRequest)({
      ...{ protocol, hostname, port, method, path },
      agent: secure ? new TlsAgent() : new HttpAgent(),
      headers: { ...type, ...length, ...headers },
      ...(ca === undefined ? {} : { ca }),
      ...(signal === undefined ? {} : { signal }),
    });
    request.once("response", resolve).once("error", reject);
    request.end(payload);
  });
}

/** The lines of a stream of text, as they come. */
export async function* linesOf(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  let rest = "";
  stream.setEncoding("utf8");
  for await (const piece of stream) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
