import { type Call, createApi, type Reply } from "./api.ts";
import { namespaceOf } from "./connection.ts";
import { ApiError, ConfigurationError, ForeignLockError } from "./errors.ts";
import { readNamespace } from "./identity.ts";
import { checkLockName } from "./leadership.ts";
import { lockOf } from "./lock.ts";
import type { ConfigMap, Pod } from "./objects.ts";
import { connectionFor } from "./session.ts";

export interface Leader {
  pod: string;
  uid: string;
  /** When it got the lock. */
  since: Date;
  /** The pod's phase; undefined when the pod is gone or may not be seen. */
  phase?: string;
}

/**
 * Reads who leads, for sidecars and dashboards; undefined when nobody does.
 *
 * @param options.namespace where the lock is; the default is the pod's own namespace
 * @param options.kubeConfig an object with the shape of client-node's `KubeConfig`; the default is the pod's own access
 * @param options.signal ends the requests, each of which takes 10 s at most
 * @throws ConfigurationError, ForeignLockError, ApiError, or the signal's reason
 */
export async function readLeader(options: {
  name: string;
  namespace?: string;
  kubeConfig?: object;
  signal?: AbortSignal;
}): Promise<Leader | undefined> {
  const { name, kubeConfig, signal = new AbortController().signal } = options;
  checkLockName(name);
  const connection = connectionFor(process.env, kubeConfig);
  const namespace = options.namespace ?? namespaceOf(kubeConfig) ?? readNamespace(process.env);
  if (namespace === undefined) {
    throw new ConfigurationError("the lock's namespace is not known; pass it as namespace");
  }
  const api = createApi(connection);
  const get = async (resource: Call["resource"], object: string) => {
    const call = { verb: "get", resource, namespace, name: object } as const;
    try {
      return await api.send(call, signal);
    } catch (cause) {
      signal.throwIfAborted();
      const { message } = cause as Error;
      throw new ApiError(`cannot reach the API server at ${api.server.host}: ${message}`, {
        cause,
      });
    }
  };
  try {
    const reply = await get("configmaps", name);
    if (reply.status === 404) return undefined;
    expectOk(reply, `configmaps/${name} in namespace ${namespace}`);
    const { owner, createdAt, released } = lockOf(reply.body as ConfigMap);
    if ("foreign" in owner) throw new ForeignLockError(owner.foreign);
    if (released) return undefined;
    const phase = phaseOf(await get("pods", owner.pod), owner.uid);
    return { ...owner, since: new Date(createdAt), ...(phase === undefined ? {} : { phase }) };
  } finally {
    connection.close();
  }
}

function expectOk({ status, body }: Reply, what: string): void {
  if (status === 200) return;
  const { message = "" } = body as { message?: string };
  throw new ApiError(`cannot get ${what}: HTTP ${status} ${message}`.trim());
}

function phaseOf({ status, body }: Reply, uid: string): string | undefined {
  const pod = body as Pod;
  return status === 200 && pod.metadata.uid === uid ? pod.status?.phase : undefined;
}
