import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** What `npm publish` sends: the manifest of one version, and its tarball in base64. */
interface Publication {
  name: string;
  "dist-tags": Record<string, string>;
  versions: Record<string, { version: string; dist: { tarball: string } }>;
  _attachments: Record<string, { data: string }>;
}

export interface Registry {
  url: string;
  /** The names and versions published so far, `name@1.2.3`. */
  published: string[];
  /** Each published tarball by its file name. */
  tarballs: Map<string, Buffer>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A registry on loopback that keeps what is published to it and serves it again; everything else it sends
 * on to the registry this machine uses.
 *
 * @param upstream the URL of the machine's own registry
 */
export async function startRegistry(upstream: string): Promise<Registry> {
  const packages = new Map<string, Publication>();
  const tarballs = new Map<string, Buffer>();
  const published: string[] = [];

  const publish = async (request: IncomingMessage, response: ServerResponse) => {
    const publication = (await json(request)) as Publication;
    for (const [file, { data }] of Object.entries(publication._attachments)) {
      tarballs.set(file, Buffer.from(data, "base64"));
    }
    for (const [version, manifest] of Object.entries(publication.versions)) {
      // npm made the URL from the address it published to; another one may lead here when it is read.
      manifest.dist.tarball = `${url}/-/${publication.name}-${version}.tgz`;
      published.push(`${publication.name}@${version}`);
    }
    packages.set(publication.name, publication);
    response.writeHead(201).end("{}");
  };

  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "/").split("?")[0] ?? "/";
    const known = packages.get(path.slice(1));
    const tarball = tarballs.get(path.slice(path.lastIndexOf("/") + 1));
    if (request.method === "PUT") {
      publish(request, response).catch((error) => response.writeHead(400).end(String(error)));
    } else if (path.startsWith("/-/") && tarball !== undefined) {
      response.writeHead(200, { "content-type": "application/octet-stream" }).end(tarball);
    } else if (known !== undefined) {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(known));
    } else if (ours.test(path)) {
      response.writeHead(404).end("{}");
    } else {
      response.writeHead(302, { location: new URL(request.url ?? "/", upstream).href }).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    published,
    tarballs,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Our own names never come from upstream: whatever stands there is not what we publish. */
const ours = /^\/(istio-port-policy|rego-coverage|kube-leader|pagerduty-tester|node-rollout)(\/|$)/;
