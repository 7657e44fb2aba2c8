import { describe } from "vitest";
import { useCluster } from "../cluster.ts";
import { describeContract } from "./contract.ts";

describe("a real kube-apiserver", () => {
  describeContract(async () => useCluster());
});
