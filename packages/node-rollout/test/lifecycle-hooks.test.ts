import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { startFakeAws } from "@internal/test/aws/fake";
import { expect, test } from "vitest";
import { createLifecycleHooks } from "../src/aws/lifecycle-hooks.ts";

test("instances that wait are found in more groups than one request may name", async () => {
  await using aws = await startFakeAws();
  const names = Array.from({ length: 51 }, (_, number) => `group-${number}`);
  for (const name of names) {
    aws.addGroup({ name, hooks: [{ name: "drain" }], instances: [`i-${name}`, `i-${name}-b`] });
    aws.begin(name, `i-${name}`);
  }
  aws.addGroup({ name: "foreign", hooks: [{ name: "drain" }], instances: ["i-foreign"] });
  aws.begin("foreign", "i-foreign");
  const autoScaling = new AutoScalingClient({
    ...{ endpoint: aws.url, region: "eu-west-1", maxAttempts: 1 },
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const hooks = createLifecycleHooks({ autoScaling, heartbeats: autoScaling });
  expect(await hooks.waiting(names)).toEqual(
    names.map((asg) => ({ asg, instanceId: `i-${asg}`, transition: "terminating" })),
  );
  expect(aws.count("DescribeAutoScalingGroups")).toBe(2);
});
