import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { startFakeAws } from "@internal/test/aws/fake";
import { expect, test } from "vitest";
import { createLifecycleHooks } from "../src/aws/lifecycle-hooks.ts";

async function startGroup() {
  const aws = await startFakeAws();
  aws.addGroup({ name: "workers", hooks: [{ name: "drain" }], instances: ["i-1"] });
  const autoScaling = new AutoScalingClient({
    endpoint: aws.url,
    region: "eu-west-1",
    credentials: { accessKeyId: "t", secretAccessKey: "t" },
    maxAttempts: 1,
  });
  const hooks = createLifecycleHooks({ autoScaling, heartbeats: autoScaling });
  return {
    ...{ aws, hooks },
    group: aws.lifecycle.groups.get("workers")!,
    async [Symbol.asyncDispose]() {
      autoScaling.destroy();
      await aws.close();
    },
  };
}

const action = { asg: "workers", hook: "drain", instanceId: "i-1" };

test.each(["heartbeat", "complete"] as const)(
  "a %s of a hook or a group that is deleted is gone, another refusal is an error",
  async (what) => {
    await using world = await startGroup();
    const { aws, hooks, group } = world;
    const ask = (result: "CONTINUE" | "ABANDON" = "CONTINUE") =>
      what === "heartbeat" ? hooks.heartbeat(action) : hooks.complete(action, result);
    aws.begin("workers", "i-1");
    aws.faults = () => "throttle";
    await expect(ask()).rejects.toThrow(/rate/i);
    aws.faults = undefined;
    if (what === "complete") await expect(ask("RETRY" as never)).rejects.toThrow(/CONTINUE/);
    group.hooks.length = 0;
    expect(await ask()).toBe("gone");
    aws.lifecycle.groups.delete("workers");
    expect(await ask()).toBe("gone");
    aws.faults = ({ action: name }) => (name === "DescribeLifecycleHooks" ? "error" : undefined);
    await expect(ask()).rejects.toThrow(/not found/);
  },
);

test("many that ask at once ask Auto Scaling once, and a hook that came later is found", async () => {
  await using world = await startGroup();
  const { aws, hooks, group } = world;
  const asked = await Promise.all(
    Array.from({ length: 100 }, () => hooks.settingsOf("workers", "drain")),
  );
  expect(asked.every((settings) => settings?.name === "drain")).toBe(true);
  expect(aws.count("DescribeLifecycleHooks")).toBe(1);
  group.hooks.push({ ...group.hooks[0]!, name: "late", heartbeatTimeout: 30 });
  expect(await hooks.settingsOf("workers", "late")).toMatchObject({ heartbeatMs: 30_000 });
  expect(await hooks.settingsOf("workers", "none")).toBeUndefined();
});

test("a failed answer is not remembered", async () => {
  await using world = await startGroup();
  world.aws.faults = () => "error";
  await expect(world.hooks.settings("workers")).rejects.toThrow();
  world.aws.faults = undefined;
  expect(await world.hooks.settings("workers")).toHaveLength(1);
});

test("instances that wait are found in more groups than one request may name", async () => {
  await using world = await startGroup();
  const { aws, hooks } = world;
  const names = Array.from({ length: 51 }, (_, number) => `group-${number}`);
  for (const name of names) {
    aws.addGroup({ name, hooks: [{ name: "drain" }], instances: [`i-${name}`, `i-${name}-b`] });
    aws.begin(name, `i-${name}`);
  }
  aws.addGroup({ name: "foreign", hooks: [{ name: "drain" }], instances: ["i-foreign"] });
  aws.begin("foreign", "i-foreign");
  expect(await hooks.waiting(names)).toEqual(
    names.map((asg) => ({ asg, instanceId: `i-${asg}`, transition: "terminating" })),
  );
  expect(aws.count("DescribeAutoScalingGroups")).toBe(2);
});
