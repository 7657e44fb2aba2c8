import { once } from "node:events";
import { request } from "node:https";
import { startFakeKubernetes } from "@internal/test/kubernetes/fake";
import { renderRbac } from "../packages/kube-leader/src/index.ts";
import { type Demo, say, show } from "./show.ts";

const namespace = "default";
const lock = "reporter";
const command = [
  "sh",
  "-c",
  'echo "$KUBE_LEADER_POD works, fencing token $KUBE_LEADER_FENCING_TOKEN"',
];

export const demo: Demo = {
  name: "kube-leader",
  says: "two pods want to run one command; the second one waits until the first pod is gone",
  run: async () => {
    await using cluster = await startFakeKubernetes();
    const { hostname, port } = new URL(cluster.url);
    cluster.apply(...renderRbac({ name: lock, namespace }));
    const inPod = (name: string) => {
      cluster.apply({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, namespace },
        spec: { serviceAccountName: lock, nodeName: "node-1", containers: [{ name: "main" }] },
        status: { phase: "Running" },
      });
      const serviceAccount = { namespace, name: lock, pod: name };
      return {
        KUBERNETES_SERVICE_HOST: hostname,
        KUBERNETES_SERVICE_PORT: port,
        KUBE_LEADER_SERVICE_ACCOUNT_DIR: cluster.serviceAccountFolder({ serviceAccount }),
      };
    };
    say("in pod reporter-0:");
    await show("kube-leader", ["--name", lock, "--", ...command], { env: inPod("reporter-0") });
    say("in pod reporter-1, while reporter-0 exists; after a second reporter-0 is deleted:");
    const second = show("kube-leader", ["--name", lock, "--", ...command], {
      env: inPod("reporter-1"),
    });
    setTimeout(deletePod, 1_000, cluster, "reporter-0");
    await second;
  },
};

function deletePod(cluster: { url: string; ca: string | undefined; token: string }, name: string) {
  const sent = request(
    `${cluster.url}/api/v1/namespaces/${namespace}/pods/${name}?gracePeriodSeconds=0`,
    {
      method: "DELETE",
      ca: cluster.ca,
      agent: false,
      headers: { authorization: `Bearer ${cluster.token}` },
    },
  ).end();
  once(sent, "response").then(([response]) => response.resume());
}
