import { generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import type { Credentials } from "./client.ts";
import { kubeconfig } from "./kubeconfig.ts";

/** Where a cluster lives: its folder, its ports, its keys and tokens. */
export interface Site {
  folder: string;
  etcdUrl: string;
  peerUrl: string;
  /** The API server's. */
  url: string;
  files: {
    tokens: string;
    publicKey: string;
    privateKey: string;
    auditPolicy: string;
    audit: string;
  };
  /** Where the API server writes the certificate that it signs itself. */
  certificates: string;
  /** The administrator's. Readable once the API server runs. */
  credentials(): Credentials;
  /** Writes a component's kubeconfig; gives its path. */
  kubeconfigOf(user: User): string;
}

const users = ["admin", "kube-controller-manager", "kube-scheduler", "kwok"] as const;
type User = (typeof users)[number];

/** Prepares a folder for a cluster. */
export async function makeSite(folder: string): Promise<Site> {
  const [etcdPort, peerPort, securePort] = await freePorts(3);
  const url = `https://127.0.0.1:${securePort}`;
  const tokens = new Map(users.map((user) => [user, randomUUID()]));
  const keys = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "sec1", format: "pem" },
  });
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  // Components are told apart in the audit log; all of them may do everything.
  const tokenLines = users.map((user) => `${tokens.get(user)},${user},${user},system:masters`);
  const certificates = join(folder, "certificates");
  const credentials = (user: User = "admin") => ({
    url,
    ca: readFileSync(join(certificates, "apiserver.crt"), "utf8"),
    token: tokens.get(user) ?? "",
  });
  return {
    folder,
    etcdUrl: `http://127.0.0.1:${etcdPort}`,
    peerUrl: `http://127.0.0.1:${peerPort}`,
    url,
    files: {
      tokens: write("tokens.csv", `${tokenLines.join("\n")}\n`),
      publicKey: write("service-account.pub", keys.publicKey),
      privateKey: write("service-account.key", keys.privateKey),
      auditPolicy: write("audit-policy.json", JSON.stringify(auditPolicy)),
      audit: write("audit.log", ""),
    },
    certificates,
    credentials,
    kubeconfigOf: (user) => write(`${user}.kubeconfig`, kubeconfig(credentials(user))),
  };
}

/** Who did what to what, of every request, once it is answered; of a watch also when it begins. */
const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata" }],
};

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
