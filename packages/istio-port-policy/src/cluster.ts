import { aboutFile, messageOf } from "@internal/lib/errors";
import type { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { PolicyError } from "./errors.ts";
import type { Service } from "./service.ts";

/** How to reach a cluster. */
export interface ClusterOptions {
  /** A `KubeConfig` of `@kubernetes/client-node`; the default is what kubectl would use, or the pod's account. */
  kubeConfig?: object | undefined;
  /** A context of the kubeconfig; its current one by default. */
  context?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** A live Service with the labels of its Namespace. */
export interface LiveService {
  service: Service;
  namespaceLabels: Record<string, string>;
}

/** Objects a request asks for; a page of Services stays around a megabyte. */
const pageSize = 500;

/**
 * The Services of a cluster, a page at a time; the namespaces are listed once, before them.
 *
 * @throws PolicyError without the peer, and when the cluster does not answer or refuses
 */
export async function* readCluster(options: ClusterOptions): AsyncGenerator<LiveService> {
  const { config, api } = await connect(options);
  const labels = new Map<string, Record<string, string>>();
  const ask = <T>(what: string, request: () => Promise<T>) =>
    abortable(request, options.signal).catch((error) => {
      throw options.signal?.aborted ? error : failureOf(what, config, error);
    });
  const namespaces = pages((page) => ask("namespaces", () => api.listNamespace(page)));
  for await (const { metadata } of namespaces) {
    labels.set(metadata?.name ?? "", metadata?.labels ?? {});
  }
  const services = pages((page) => ask("services", () => api.listServiceForAllNamespaces(page)));
  for await (const found of services) {
    const service = { ...found, kind: "Service" } as Service;
    yield { service, namespaceLabels: labels.get(service.metadata?.namespace ?? "") ?? {} };
  }
}

interface Page<T> {
  items: T[];
  metadata?: { _continue?: string };
}

async function* pages<T>(
  list: (page: { limit: number; _continue?: string }) => Promise<Page<T>>,
): AsyncGenerator<T> {
  let next: string | undefined;
  do {
    const { items, metadata } = await list({
      limit: pageSize,
      ...(next === undefined ? {} : { _continue: next }),
    });
    yield* items;
    next = metadata?._continue || undefined;
  } while (next !== undefined);
}

async function connect(options: ClusterOptions): Promise<{ config: KubeConfig; api: CoreV1Api }> {
  const client = await loadClient();
  const config = (options.kubeConfig as KubeConfig | undefined) ?? new client.KubeConfig();
  try {
    if (options.kubeConfig === undefined) config.loadFromDefault();
  } catch (error) {
    const file = process.env["KUBECONFIG"] || "~/.kube/config";
    throw new PolicyError("KUBECONFIG", `no usable kubeconfig: ${aboutFile(file, error)}`, {
      cause: error,
    });
  }
  if (options.context !== undefined) choose(config, options.context);
  requireCluster(config);
  return { config, api: config.makeApiClient(client.CoreV1Api) };
}

/** What client-node makes up for a server that nothing names, and why it does. */
const madeUp: Readonly<Record<string, string>> = {
  "http://localhost:8080":
    "no kubeconfig: KUBECONFIG is not set, ~/.kube/config is not there, and this is no pod",
  "https://undefined:undefined":
    "a pod's token, but no server: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set",
};

function requireCluster(config: KubeConfig): void {
  const server = config.getCurrentCluster()?.server;
  const missing =
    server === undefined
      ? "the kubeconfig has no current context; choose one with --context"
      : madeUp[server];
  if (missing !== undefined) throw new PolicyError("KUBECONFIG", missing);
}

function choose(config: KubeConfig, context: string): void {
  const names = config.getContexts().map(({ name }) => name);
  if (!names.includes(context)) {
    throw new PolicyError(
      "KUBECONFIG",
      `--context ${context}: no such context; the kubeconfig has ${names.join(", ") || "none"}`,
    );
  }
  config.setCurrentContext(context);
}

async function loadClient() {
  try {
    return await import("@kubernetes/client-node");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new PolicyError(
      "CLIENT_MISSING",
      "a live check needs @kubernetes/client-node: npm install @kubernetes/client-node; or without it: kubectl get services,namespaces -A -o json | istio-port-policy check -",
      { cause: error },
    );
  }
}

/** A refused or unanswered list, in the words of who has to mend it. */
function failureOf(what: string, config: KubeConfig, error: unknown): PolicyError {
  const server = config.getCurrentCluster()?.server ?? "the cluster";
  const status = (error as { code?: unknown }).code;
  if (status === 401) {
    return new PolicyError(
      "UNAUTHORIZED",
      `${server}: not authenticated (401); log in again, or choose another --context`,
    );
  }
  if (status === 403) {
    return new PolicyError(
      "FORBIDDEN",
      `${server}: not allowed to list ${what} in all namespaces (403); istio-port-policy render rbac prints the role it needs`,
    );
  }
  if (typeof status === "number") {
    return new PolicyError("CLUSTER", `${server}: listing ${what} was answered with ${status}`);
  }
  // fetch says only that it failed; why is in the cause.
  const why = messageOf((error as Error).cause ?? error);
  return new PolicyError("UNREACHABLE", `${server}: cannot be reached: ${why}`, { cause: error });
}

async function abortable<T>(
  request: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return request();
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    request()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}
