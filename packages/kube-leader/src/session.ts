import { createApi } from "./api.ts";
import {
  type Connection,
  inClusterConnection,
  isInCluster,
  kubeConfigConnection,
  namespaceOf,
  tokenOf,
} from "./connection.ts";
import { ConfigurationError } from "./errors.ts";
import { type Identity, readIdentity } from "./identity.ts";
import type { Holder } from "./lock.ts";
import type { Pod } from "./objects.ts";
import { createPatientApi, type PatientApi } from "./patience.ts";

/** What every operation begins with: a patient connection, and who we are. */
export interface Session {
  api: PatientApi;
  namespace: string;
  me: Holder;
  close(): void;
}

export interface SessionOptions {
  env: NodeJS.ProcessEnv;
  kubeConfig?: object | undefined;
  onTrouble: (sentence: string) => void;
  signal: AbortSignal;
}

/**
 * Connects as the pod in which this process runs.
 *
 * @throws ConfigurationError when the API server or the pod is not known
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { env, kubeConfig, onTrouble } = options;
  const connection = connectionFor(env, kubeConfig);
  const identity = readIdentity(env, {
    token: tokenOf(kubeConfig),
    namespace: namespaceOf(kubeConfig),
  });
  const api = createPatientApi({ api: createApi(connection), user: identity.user, onTrouble });
  try {
    const uid = await confirmUid(api, identity, options.signal);
    const { namespace, pod } = identity;
    return { api, namespace, me: { pod, uid }, close: connection.close };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** The given `KubeConfig`'s connection, else the pod's own. */
export function connectionFor(env: NodeJS.ProcessEnv, kubeConfig: object | undefined): Connection {
  if (kubeConfig !== undefined) return kubeConfigConnection(kubeConfig);
  if (isInCluster(env)) return inClusterConnection(env);
  throw new ConfigurationError(
    "not in a cluster: KUBERNETES_SERVICE_HOST is not set and there is no token; pass a kubeConfig",
  );
}

/** A token's uid was signed by the API server; one from the environment, or none, is looked up where pods can be seen. */
async function confirmUid(
  api: PatientApi,
  { namespace, pod, uid, from }: Identity,
  signal: AbortSignal,
): Promise<string> {
  if (from === "token" && uid !== undefined) return uid;
  const query = { fieldSelector: `metadata.name=${pod}` };
  const { status, body } = await api.ask(
    { verb: "list", resource: "pods", namespace, query },
    { signal, mayBeRefused: true },
  );
  if (status === 403) {
    if (uid !== undefined) return uid;
    throw new ConfigurationError(
      `cannot tell the uid of pod ${pod}: neither the token nor POD_UID has it, and pods may not be listed; set POD_UID from the pod's field metadata.uid`,
    );
  }
  const found = (body as { items: Pod[] }).items[0]?.metadata.uid;
  if (found === undefined || (uid !== undefined && uid !== found)) {
    throw new ConfigurationError(
      `POD_NAME=${pod}${uid === undefined ? "" : ` POD_UID=${uid}`}: namespace ${namespace} has ${found === undefined ? "no such pod" : `this pod with uid ${found}`}; a lock with a wrong owner would be removed under its leader`,
    );
  }
  return found;
}
