import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Agent } from "node:http";
import type { RequestOptions } from "node:https";
import { homedir } from "node:os";
import { join } from "node:path";
import { aboutFile, messageOf, UsageError } from "@internal/lib/errors";
import { type Access, createKubernetes } from "./http.ts";
import type { Kubernetes } from "./kubernetes.ts";
import { plainAccess } from "./plain-kubeconfig.ts";

/** The shape of `KubeConfig` of `@kubernetes/client-node`, as far as it is used here. */
interface KubeConfigLike {
  getCurrentCluster(): { server: string; skipTLSVerify?: boolean; proxyUrl?: string } | null;
  applyToHTTPSOptions(options: RequestOptions): Promise<void>;
}

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Tokens of service accounts and of exec plugins outlive this by far. */
const headersLast = 60_000;

/**
 * Connects as kubectl does: `KUBECONFIG`, `~/.kube/config`, or the pod's service account. Nothing is sent yet.
 *
 * @param options.context a context of the kubeconfig other than its current one
 * @param options.serviceAccountFolder where a pod finds its token
 * @throws UsageError when there is no configuration, or one that cannot be used
 */
export async function connectKubernetes(
  options: { context?: string; env?: NodeJS.ProcessEnv; serviceAccountFolder?: string } = {},
): Promise<Kubernetes> {
  const { context, env = process.env, serviceAccountFolder = serviceAccount } = options;
  if (context === undefined && (await isInCluster(env, serviceAccountFolder))) {
    return createKubernetes(await inClusterAccess(env, serviceAccountFolder));
  }
  const file = env["KUBECONFIG"] || join(homedir(), ".kube", "config");
  if (!env["KUBECONFIG"] && !existsSync(file)) {
    throw new UsageError(`there is no kubeconfig at ${file}; create it, or name one by KUBECONFIG`);
  }
  const plain = await plainAccess(file, context);
  return createKubernetes(plain ?? (await kubeConfigAccess(await loadKubeConfig(context, env))));
}

async function isInCluster(env: NodeJS.ProcessEnv, folder: string): Promise<boolean> {
  if (env["KUBECONFIG"] || !env["KUBERNETES_SERVICE_HOST"]) return false;
  return (await readFile(`${folder}/token`).catch(() => undefined)) !== undefined;
}

/** The normal case of the daemon is kept free of the kubeconfig library, which costs 50 MB and half a second. */
async function inClusterAccess(env: NodeJS.ProcessEnv, folder: string): Promise<Access> {
  const host = env["KUBERNETES_SERVICE_HOST"] ?? "";
  const port = env["KUBERNETES_SERVICE_PORT"] ?? "443";
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    tls: { ca: await readFile(`${folder}/ca.crt`) },
    headers: remember(async () => {
      const token = await readFile(`${folder}/token`, "utf8");
      return { authorization: `Bearer ${token.trim()}` };
    }),
  };
}

async function loadKubeConfig(
  context: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<KubeConfigLike> {
  const { KubeConfig } = await import("@kubernetes/client-node/dist/config.js");
  const kubeConfig = new KubeConfig();
  try {
    kubeConfig.loadFromDefault();
  } catch (error) {
    const file = env["KUBECONFIG"] || "~/.kube/config";
    throw new UsageError(`no usable kubeconfig: ${aboutFile(file, error)}`, { cause: error });
  }
  if (context !== undefined) {
    const names = kubeConfig.getContexts().map(({ name }) => name);
    if (!names.includes(context)) {
      throw new UsageError(
        `--context ${context}: no such context; the kubeconfig has ${names.join(", ") || "none"}`,
      );
    }
    kubeConfig.setCurrentContext(context);
  }
  return kubeConfig;
}

async function kubeConfigAccess(kubeConfig: KubeConfigLike): Promise<Access> {
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) {
    throw new UsageError(
      "the kubeconfig's current context names no cluster; choose one with --context",
    );
  }
  // The library refuses plain HTTP otherwise, which kubectl allows.
  if (cluster.server.startsWith("http:")) Object.assign(cluster, { skipTLSVerify: true });
  const first = await optionsOf(kubeConfig);
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = first;
  const tls = Object.fromEntries(
    Object.entries({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }).filter(
      ([, value]) => value !== undefined && value !== null,
    ),
  ) as Access["tls"];
  return {
    server: cluster.server,
    tls,
    headers: remember(async () => headersOf(await optionsOf(kubeConfig))),
    ...(cluster.proxyUrl === undefined ? {} : { agent: first.agent as Agent }),
  };
}

async function optionsOf(kubeConfig: KubeConfigLike): Promise<RequestOptions> {
  const options: RequestOptions = {};
  try {
    await kubeConfig.applyToHTTPSOptions(options);
  } catch (error) {
    throw new UsageError(`the kubeconfig's credentials cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return options;
}

function headersOf({ headers = {}, auth }: RequestOptions): Record<string, string> {
  const texts = Object.entries(headers).map(([key, value]) => [key, String(value)]);
  if (auth) texts.push(["Authorization", `Basic ${Buffer.from(auth).toString("base64")}`]);
  return Object.fromEntries(texts);
}

function remember(read: () => Promise<Record<string, string>>): Access["headers"] {
  let last: { headers: Record<string, string>; until: number } | undefined;
  return async (fresh) => {
    if (fresh || last === undefined || Date.now() > last.until) {
      last = { headers: await read(), until: Date.now() + headersLast };
    }
    return last.headers;
  };
}
