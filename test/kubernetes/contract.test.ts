import { afterAll, describe } from "vitest";
import { describeContract, describeExpiry } from "./contract.ts";
import { type FakeKubernetes, startFakeKubernetes } from "./fake.ts";

describe.each([
  ["https", true],
  ["http", false],
])("the fake Kubernetes API over %s", (_, tls) => {
  let fake: FakeKubernetes | undefined;
  afterAll(() => fake?.close()); // registered first, so called last
  describeContract(async () => {
    fake = await startFakeKubernetes({ tls, kubelet: false });
    return fake;
  });
  describe("expiry", () => {
    describeExpiry(
      async () => fake!,
      async () => fake?.store.compact(),
    );
  });
});
