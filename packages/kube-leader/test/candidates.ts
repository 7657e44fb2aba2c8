import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { type CliOptions, type RunningCli, startCli } from "@internal/test/cli";
import type { FaultProxy } from "@internal/test/fault-proxy";
import { type FakeKubernetes, startFakeKubernetes } from "@internal/test/kubernetes/fake";
import { expect } from "vitest";
import { renderRbac } from "../src/index.ts";

/** A cluster in this process, and pods that run kube-leader in it. */
export interface Candidates extends AsyncDisposable {
  cluster: FakeKubernetes;
  /**
   * Makes a pod with the recommended rights to a lock, by default the one its name begins with, and returns
   * its environment: what kubelet gives a container, as far as it counts here.
   */
  pod(name: string, lock?: string): Record<string, string>;
  /** Removes a pod, and so what it owns. */
  deletePod(name: string): Promise<void>;
  /** A request as the cluster's administrator; the path is one in the namespace. */
  request(method: string, path: string, body?: object): Promise<void>;
  /** Runs kube-leader in the pod of that environment. */
  start(env: Record<string, string>, args: string[], options?: CliOptions): RunningCli;
}

export const namespace = "default";

export async function startCandidates(): Promise<Candidates> {
  const cluster = await startFakeKubernetes();
  const { hostname, port } = new URL(cluster.url);
  const running: RunningCli[] = [];
  return {
    cluster,
    pod: (name, lock = name.replace(/-\d+$/, "")) => {
      cluster.apply(...renderRbac({ name: lock, namespace }), {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, namespace },
        spec: {
          serviceAccountName: lock,
          nodeName: "node-1",
          terminationGracePeriodSeconds: 0,
          containers: [{ name: "c" }],
        },
        status: { phase: "Running" },
      });
      return {
        KUBERNETES_SERVICE_HOST: hostname,
        KUBERNETES_SERVICE_PORT: port,
        KUBE_LEADER_SERVICE_ACCOUNT_DIR: cluster.serviceAccountFolder({
          serviceAccount: { namespace, name: lock, pod: name },
        }),
      };
    },
    deletePod: (name) => administer(cluster, "DELETE", `pods/${name}?gracePeriodSeconds=0`),
    request: (method, path, body) => administer(cluster, method, path, body),
    start: (env, args, options = {}) => {
      const cli = startCli("kube-leader", args, { ...options, env: { ...env, ...options.env } });
      running.push(cli);
      return cli;
    },
    [Symbol.asyncDispose]: async () => {
      for (const cli of running) cli.kill("SIGKILL");
      await Promise.all(running.map(({ ended }) => ended));
      await cluster.close();
    },
  };
}

/** The same environment, its requests sent through the proxy. */
export function through(proxy: FaultProxy, env: Record<string, string>): Record<string, string> {
  const { hostname, port } = new URL(proxy.url);
  writeFileSync(join(env["KUBE_LEADER_SERVICE_ACCOUNT_DIR"] ?? "", "ca.crt"), proxy.ca ?? "");
  return { ...env, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
}

async function administer(
  { url, ca, token }: FakeKubernetes,
  method: string,
  path: string,
  body?: object,
): Promise<void> {
  const text = body === undefined ? "" : JSON.stringify(body);
  const sent = request(`${url}/api/v1/namespaces/${namespace}/${path}`, {
    method,
    ca,
    agent: false,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
      "content-length": Buffer.byteLength(text),
    },
  }).end(text);
  const [response] = await once(sent, "response");
  response.resume();
  expect(response.statusCode).toBeLessThan(300);
}

/** The pod that holds a lock now. */
export function holderOf(cluster: FakeKubernetes, lock: string): string | undefined {
  return cluster.get("configmaps", lock, namespace)?.metadata.ownerReferences?.[0]?.name;
}
