import { startFakeKubernetes } from "@internal/test/kubernetes/fake";
import { expect, test } from "vitest";
import { createKubernetes } from "../src/kubernetes/http.ts";
import { followNodes } from "../src/kubernetes/node-index.ts";

test("an instance that has registered under another name is found after its old node's end", async () => {
  await using kubernetes = await startFakeKubernetes({ workloads: false, kubelet: false });
  const node = (name: string) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    spec: { providerID: "aws:///eu-west-1a/i-1" },
  });
  kubernetes.apply(node("ip-10-0-0-1"));
  const client = createKubernetes({
    server: kubernetes.url,
    tls: kubernetes.ca === undefined ? {} : { ca: kubernetes.ca },
    headers: async () => ({ authorization: `Bearer ${kubernetes.token}` }),
  });
  const ending = new AbortController();
  const failures: unknown[] = [];
  const failed = (error: unknown) => failures.push(error);
  const answered = () => {};
  const nodes = followNodes(client, { signal: ending.signal, failed, answered });
  await nodes.ready;
  const nameOf = () => nodes.find("i-1")?.metadata.name;
  expect(nameOf()).toBe("ip-10-0-0-1");
  kubernetes.apply(node("i-1.internal"));
  await expect.poll(nameOf).toBe("i-1.internal");
  const seen = new Promise<void>((resolve) => nodes.onChange(resolve, ending.signal));
  await client.request({ method: "DELETE", path: "/api/v1/nodes/ip-10-0-0-1" });
  await seen;
  expect(nameOf()).toBe("i-1.internal");
  await client.request({ method: "DELETE", path: "/api/v1/nodes/i-1.internal" });
  await expect.poll(nameOf).toBeUndefined();
  expect(failures).toEqual([]);
  expect(nodes.isFollowed()).toBe(true);
  await kubernetes.close();
  await expect.poll(() => failures.length).toBeGreaterThan(0);
  expect(nodes.isFollowed()).toBe(false);
  ending.abort();
});
