import { startFaultProxy } from "@internal/test/fault-proxy";
import { startFakeKubernetes } from "@internal/test/kubernetes/fake";
import { expect, test } from "vitest";
import { createBudgetLedger } from "../src/drain/budget-ledger.ts";
import { createDrainMachine } from "../src/drain/machine.ts";
import { followPodsOf } from "../src/drain/pods-of-node.ts";
import { createKubernetes } from "../src/kubernetes/http.ts";

test("a list tells whether the watch was deaf", async () => {
  await using kubernetes = await startFakeKubernetes({ workloads: false, kubelet: false });
  await using proxy = await startFaultProxy(kubernetes.url, { upstreamCa: kubernetes.ca });
  const pod = (name: string) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: { nodeName: "n", containers: [{ name: "main", image: "registry.example/m:1" }] },
  });
  kubernetes.apply(pod("early"));
  const ending = new AbortController();
  const gone: string[] = [];
  const watching = proxy.next({ path: "watch=true" });
  const pods = followPodsOf("n", {
    kubernetes: createKubernetes({
      server: proxy.url,
      tls: proxy.ca === undefined ? {} : { ca: proxy.ca },
      headers: async () => ({ authorization: `Bearer ${kubernetes.token}` }),
    }),
    machine: createDrainMachine({ policy: {}, ledger: createBudgetLedger() }),
    signal: ending.signal,
    news: { gone: ({ metadata }) => gone.push(metadata.name), changed() {}, failed() {} },
  });
  await pods.ready;
  await watching;
  expect(await pods.list()).toBe(false);
  proxy.freeze({ path: "watch=true" });
  kubernetes.apply(pod("late"));
  expect(await pods.list()).toBe(true);
  expect(await pods.list()).toBe(false);
  expect(gone).toEqual([]);
  ending.abort();
});
