import { existsSync, readFileSync } from "node:fs";
import { Agent, type RequestOptions } from "node:https";
import { join } from "node:path";
import { ConfigurationError } from "./errors.ts";

/** Where the API server is, and what each request needs to be accepted there. */
export interface Connection {
  server: URL;
  /** Fresh for every request, because tokens and certificates are rotated. */
  requestOptions(): Promise<RequestOptions>;
  close(): void;
}

/** The part of client-node's `KubeConfig` that is used: any object that has it will do. */
export interface KubeConfigLike {
  getCurrentCluster(): { server: string } | null;
  getCurrentContext(): string;
  getContextObject(name: string): { namespace?: string | undefined } | null;
  applyToHTTPSOptions(options: RequestOptions): Promise<void>;
  getCurrentUser?(): { token?: string | undefined } | null;
}

/** The folder with `token`, `ca.crt` and `namespace` that Kubernetes mounts into a container. */
export function serviceAccountFolder(env: NodeJS.ProcessEnv): string {
  return env["KUBE_LEADER_SERVICE_ACCOUNT_DIR"] || "/var/run/secrets/kubernetes.io/serviceaccount";
}

/**
 * Whether the process runs in a pod that may talk to the API server.
 *
 * @throws ConfigurationError when only one of the address and the token is there
 */
export function isInCluster(env: NodeJS.ProcessEnv): boolean {
  const token = join(serviceAccountFolder(env), "token");
  const hasAddress = Boolean(env["KUBERNETES_SERVICE_HOST"]);
  const hasToken = existsSync(token);
  if (hasAddress && !hasToken) {
    throw new ConfigurationError(
      `KUBERNETES_SERVICE_HOST is set, but there is no ${token}; let the pod mount its token (automountServiceAccountToken), or set KUBE_LEADER_SERVICE_ACCOUNT_DIR`,
    );
  }
  if (hasToken && !hasAddress) {
    throw new ConfigurationError(
      `there is a token in ${token}, but KUBERNETES_SERVICE_HOST is not set; set it and KUBERNETES_SERVICE_PORT to the API server's address`,
    );
  }
  return hasAddress;
}

/**
 * The connection of a pod: address from the environment, token and certificate from its folder.
 *
 * @throws ConfigurationError when the address or the certificate cannot be used
 */
export function inClusterConnection(env: NodeJS.ProcessEnv): Connection {
  const folder = serviceAccountFolder(env);
  expectCertificate(join(folder, "ca.crt"));
  const agent = new Agent({
    keepAlive: true,
    // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED=0, meant for the command, does not reach us.
    rejectUnauthorized: true,
  });
  return {
    server: serverUrl(env),
    requestOptions: async () => {
      const ca = readFileSync(join(folder, "ca.crt"));
      const token = readFileSync(join(folder, "token"), "utf8");
      return { agent, ca, headers: { authorization: `Bearer ${token.trim()}` } };
    },
    close: () => agent.destroy(),
  };
}

/** The connection that a `KubeConfig` describes. */
export function kubeConfigConnection(kubeConfig: object): Connection {
  const config = kubeConfig as KubeConfigLike;
  const server = config.getCurrentCluster?.()?.server;
  if (server === undefined || typeof config.applyToHTTPSOptions !== "function") {
    throw new ConfigurationError(
      "kubeConfig: expected client-node's KubeConfig, or an object with its getCurrentCluster and applyToHTTPSOptions, and a current cluster",
    );
  }
  return {
    server: new URL(server),
    requestOptions: async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      return options;
    },
    close: () => {},
  };
}

/** The namespace of a `KubeConfig`'s current context. */
export function namespaceOf(kubeConfig: object | undefined): string | undefined {
  const config = kubeConfig as Partial<KubeConfigLike> | undefined;
  const context = config?.getCurrentContext?.();
  return context === undefined ? undefined : config?.getContextObject?.(context)?.namespace;
}

/** The token of a `KubeConfig`'s current user, where it stands there. */
export function tokenOf(kubeConfig: object | undefined): string | undefined {
  return (kubeConfig as Partial<KubeConfigLike> | undefined)?.getCurrentUser?.()?.token;
}

function serverUrl(env: NodeJS.ProcessEnv): URL {
  const host = env["KUBERNETES_SERVICE_HOST"] ?? "";
  const port = env["KUBERNETES_SERVICE_PORT"] || "443";
  const isBareIpv6 = host.includes(":") && !host.startsWith("[");
  const url = URL.parse(`https://${isBareIpv6 ? `[${host}]` : host}:${port}`);
  // Anything else in them would be taken for a user, a path or a query, and the port for the usual one.
  const isAddress = url?.href === `https://${url?.host}/` && port !== "0";
  if (url === null || !isAddress) {
    throw new ConfigurationError(
      `KUBERNETES_SERVICE_HOST=${host} KUBERNETES_SERVICE_PORT=${port}: not an address; expected an IP address or a name, and a port`,
    );
  }
  return url;
}

function expectCertificate(file: string): void {
  let text: string;
  try {
    text = readFileSync(file, "latin1");
  } catch (error) {
    throw new ConfigurationError(`${file}: the API server's certificate cannot be read`, {
      cause: error,
    });
  }
  if (text.includes("-----BEGIN CERTIFICATE-----")) return;
  throw new ConfigurationError(`${file}: holds no certificate in PEM form`);
}
