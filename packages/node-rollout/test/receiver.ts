import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { WebhookMessage } from "../src/daemon/webhook.ts";

/** A receiver of webhooks that answers as told; `received` resolves when it was sent so many. */
export async function startReceiver(answer: (response: ServerResponse, count: number) => void) {
  const bodies: WebhookMessage[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request.setEncoding("utf8")) text += part;
    bodies.push(JSON.parse(text));
    server.emit("received");
    answer(response, bodies.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/services/s3cret`,
    bodies,
    async received(count: number) {
      while (bodies.length < count) await once(server, "received");
      return bodies;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
