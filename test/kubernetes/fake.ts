import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificate } from "../certificate.ts";
import { Tokens } from "./access.ts";
import { runBudgetController } from "./budgets.ts";
import { runCollector } from "./collector.ts";
import { type Credentials, writeKubeconfig, writeServiceAccountFolder } from "./credentials.ts";
import { type KubeletOptions, runKubelet } from "./kubelet.ts";
import { type KubeObject, timestamp } from "./objects.ts";
import { type Resource, resourceNamed, resourceOfKind } from "./resources.ts";
import { type LoggedRequest, serve } from "./server.ts";
import { Store } from "./store.ts";
import { runWorkloads } from "./workloads.ts";

export type { LoggedRequest } from "./server.ts";

export interface FakeKubernetesOptions {
  /** HTTPS with a certificate of its own, which is in every file it writes. Default true. */
  tls?: boolean;
  /** Pods become Ready and end; false leaves them as they are. Default on. */
  kubelet?: KubeletOptions | false;
  /** Deployments, ReplicaSets and StatefulSets get their pods, pods their nodes. Default true. */
  workloads?: boolean;
  /** How long after its owner's end an object is collected, in ms; false: never. Default 10. */
  collectAfterMs?: number | false;
  /** Time between the bookmarks of a watch, in ms. Default 60 000, as the real server. */
  bookmarkMs?: number;
}

/** Whom the credentials are for, and where they lead; the default is an administrator at the fake itself. */
export interface Access {
  /** A service account `name` in `namespace`, its token bound to a pod when one is given. */
  serviceAccount?: { namespace: string; name: string; pod?: string };
  /** Another address for the same server: a proxy before it. */
  server?: string;
  /** The authority of that address. */
  ca?: string;
}

/** A Kubernetes API in this process: real HTTP, state, permissions, watches, and controllers that act. */
export interface FakeKubernetes extends AsyncDisposable {
  /** `https://127.0.0.1:PORT` */
  url: string;
  /** PEM; undefined over plain HTTP. */
  ca: string | undefined;
  /** May do everything. */
  token: string;
  tokens: Tokens;
  store: Store;
  /** All requests so far, watches included. */
  requests: LoggedRequest[];
  /** What no client should have asked: unknown paths, verbs, parameters, fields. A test expects none. */
  problems: string[];
  /** Stores objects as they are, status included; a missing namespace is made first. */
  apply<T extends object[]>(...objects: T): KubeObject[];
  /** An object as it is now, by its resource's name in paths: `get("pods", "web-0", "default")`. */
  get(plural: string, name: string, namespace?: string): KubeObject | undefined;
  list(plural: string, namespace?: string): KubeObject[];
  /** Stops the garbage collector, or starts it again. */
  collector: { stop(): void; start(): void };
  /** Writes a kubeconfig. @returns its path */
  kubeconfigFile(access?: Access): string;
  /** Writes a service account's token folder (`token`, `ca.crt`, `namespace`). @returns its path */
  serviceAccountFolder(access: Access & Required<Pick<Access, "serviceAccount">>): string;
  close(): Promise<void>;
}

const firstNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** Starts a fake Kubernetes API on a free port of 127.0.0.1. Close it, or bind it with `await using`. */
export async function startFakeKubernetes(
  options: FakeKubernetesOptions = {},
): Promise<FakeKubernetes> {
  const { tls = true, kubelet = {}, workloads = true, collectAfterMs = 10 } = options;
  const { bookmarkMs = 60_000 } = options;
  const store = new Store();
  const tokens = new Tokens(store);
  const token = tokens.forAdministrator();
  for (const namespace of firstNamespaces) ensureNamespace(store, namespace);
  store.compact(); // version 1 is as far in the past as on any real server
  const certificate = tls ? makeCertificate("fake-kubernetes") : undefined;
  const requests: LoggedRequest[] = [];
  const problems: string[] = [];
  const server = await serve({ store, tokens, bookmarkMs, tls: certificate, requests, problems });
  const stops = [
    runBudgetController(store),
    ...(kubelet === false ? [] : [runKubelet(store, kubelet)]),
    ...(workloads ? [runWorkloads(store)] : []),
  ];
  const collector = switchable(() => runCollector(store, collectAfterMs || 0));
  if (collectAfterMs !== false) collector.start();
  const files = mkdtempSync(join(tmpdir(), "fake-kubernetes-"));
  let written = 0;
  const credentialsFor = ({ serviceAccount, ...where }: Access): Credentials => ({
    server: where.server ?? server.url,
    ca: where.ca ?? certificate?.certificate,
    token: serviceAccount === undefined ? token : tokenFor(store, tokens, serviceAccount),
    namespace: serviceAccount?.namespace,
  });
  const close = async () => {
    collector.stop();
    for (const stop of stops) stop();
    await server.close();
    rmSync(files, { recursive: true, force: true });
  };
  return {
    url: server.url,
    ca: certificate?.certificate,
    token,
    tokens,
    store,
    requests,
    problems,
    apply: (...objects) => objects.map((object) => apply(store, object)),
    get: (plural, name, namespace) => store.get(resourceNamed(plural), namespace, name),
    list: (plural, namespace) => store.list(resourceNamed(plural), namespace),
    collector,
    kubeconfigFile: (access = {}) =>
      writeKubeconfig(join(files, `kubeconfig-${++written}`), credentialsFor(access)),
    serviceAccountFolder: (access) =>
      writeServiceAccountFolder(join(files, `account-${++written}`), credentialsFor(access)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function switchable(start: () => () => void): { start(): void; stop(): void } {
  let stop: (() => void) | undefined;
  return {
    start: () => {
      stop ??= start();
    },
    stop: () => {
      stop?.();
      stop = undefined;
    },
  };
}

function tokenFor(
  store: Store,
  tokens: Tokens,
  { namespace, name, pod }: { namespace: string; name: string; pod?: string },
): string {
  if (pod === undefined) return tokens.forServiceAccount(namespace, name);
  const uid = store.get(resourceNamed("pods"), namespace, pod)?.metadata.uid;
  if (uid === undefined) throw new Error(`no pod ${namespace}/${pod} to bind a token to`);
  return tokens.forServiceAccount(namespace, name, { name: pod, uid });
}

function ensureNamespace(store: Store, name: string): void {
  const namespaces = resourceNamed("namespaces");
  if (store.get(namespaces, undefined, name) !== undefined) return;
  store.put(namespaces, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, creationTimestamp: timestamp() },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  });
}

function apply(store: Store, object: object): KubeObject {
  const { apiVersion, kind, metadata, ...rest } = object as KubeObject;
  const resource = resourceOfKind(apiVersion, kind);
  if (resource === undefined) throw new Error(`no ${kind} of ${apiVersion} in the fake`);
  const namespace = resource.namespaced ? (metadata.namespace ?? "default") : undefined;
  if (namespace !== undefined) ensureNamespace(store, namespace);
  return store.put(resource, {
    apiVersion,
    kind,
    ...rest,
    ...seedOf(resource, rest),
    metadata: {
      creationTimestamp: timestamp(),
      ...(rest.spec === undefined ? {} : { generation: 1 }),
      ...metadata,
      ...(namespace === undefined ? {} : { namespace }),
    },
  });
}

/** What a seed may leave out. */
function seedOf(
  { plural, subresources }: Resource,
  { spec, status }: Pick<KubeObject, "spec" | "status">,
) {
  if (plural !== "pods") return subresources.includes("status") ? { status: status ?? {} } : {};
  return {
    spec: { terminationGracePeriodSeconds: 30, restartPolicy: "Always", ...spec },
    status: { phase: "Pending", ...status },
  };
}
