import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterFile } from "./world.ts";

/** A web server of somebody else's, a chat's or a dead-man switch's, that keeps what it is sent. */
export interface Hook {
  url: string;
  /** The bodies, parsed where they are JSON. */
  received: { method: string; path: string; body: unknown }[];
  /** Resolves when so many requests came. */
  count(number: number): Promise<void>;
}

export async function startHook(path: string, status = 200): Promise<Hook> {
  const received: Hook["received"] = [];
  const changed = new EventTarget();
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    received.push({
      method: request.method ?? "",
      path: request.url ?? "",
      body: text === "" ? undefined : JSON.parse(text),
    });
    response.writeHead(status).end();
    changed.dispatchEvent(new Event("request"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterFile(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    received,
    count: (number) =>
      new Promise((resolve) => {
        const look = () => received.length >= number && resolve();
        changed.addEventListener("request", look);
        look();
      }),
  };
}
