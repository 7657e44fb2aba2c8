import { afterAll, describe } from "vitest";
import { type OwnCluster, startCluster, useCluster } from "../cluster.ts";
import { describeContract, describeExpiry } from "./contract.ts";

describe("a real kube-apiserver", () => {
  describeContract(async () => useCluster());
});

describe("a real kube-apiserver that forgot", () => {
  let own: OwnCluster | undefined;
  afterAll(() => own?.[Symbol.asyncDispose]()); // registered first, so called last
  const connect = async () => {
    own = await startCluster();
    return own;
  };
  describeExpiry(connect, async () => {
    await own?.compact();
    // Its watch cache remembers more than etcd does, until it starts anew.
    await own?.apiserver.stop();
    await own?.apiserver.start();
  });
});
