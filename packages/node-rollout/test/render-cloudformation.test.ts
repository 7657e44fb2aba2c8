import {
  AutoScalingClient,
  CreateAutoScalingGroupType$,
  LifecycleHookSpecification$,
} from "@aws-sdk/client-auto-scaling";
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { QueueAttributeName } from "@aws-sdk/client-sqs";
import { startFakeAws } from "@internal/test/aws/fake";
import type { Hook } from "@internal/test/aws/lifecycle";
import { runCli } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { createGroups } from "../src/aws/groups.ts";
import { createLifecycleHooks } from "../src/aws/lifecycle-hooks.ts";
import { createSignals } from "../src/aws/signals.ts";

interface Template {
  Parameters: Record<string, object>;
  Resources: Record<string, Resource>;
}
interface Resource {
  Type: string;
  DependsOn?: string[];
  UpdatePolicy?: { AutoScalingRollingUpdate: Record<string, unknown> };
  Properties: Record<string, unknown>;
}
interface HookSpecification {
  LifecycleHookName: string;
  LifecycleTransition: Hook["transition"];
  HeartbeatTimeout: number;
  DefaultResult: Hook["defaultResult"];
}

async function render(...args: string[]): Promise<Template> {
  using folder = makeFolder({
    "node-rollout.yaml": `queueUrl: https://sqs.eu-west-1.amazonaws.com/123456789012/q
groups: [workers]
readiness: {conditions: [], pauseTimeSeconds: 900, startupTaint: example.org/starting}
`,
  });
  const { code, stdout, stderr } = await runCli(
    "node-rollout",
    ["render", "cloudformation", ...args],
    { cwd: folder.path },
  );
  expect([code, stderr]).toEqual([0, ""]);
  return parse(stdout);
}

/** The members of a structure, by the SDK's own schema. */
function membersOf(schema: unknown): string[] {
  return (schema as [number, string, string, unknown, string[]])[4];
}

/** What a template refers to: Ref, GetAtt, and the names in Sub. */
function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === "Ref") return [inner as string];
    if (key === "Fn::GetAtt") return [(inner as string[])[0]!];
    if (key === "Fn::Sub")
      return [...(inner as string).matchAll(/\$\{([^}]+)\}/g)].map(([, name]) => name!);
    return referencesIn(inner);
  });
}

test("it refers to nothing that it does not have, and uses every parameter", async () => {
  const template = await render();
  const known = [...Object.keys(template.Parameters), ...Object.keys(template.Resources)];
  const references = referencesIn(template).filter((name) => !name.startsWith("AWS::"));
  expect(references.filter((name) => !known.includes(name))).toEqual([]);
  expect(Object.keys(template.Parameters).filter((name) => !references.includes(name))).toEqual([]);
  const depends = Object.values(template.Resources).flatMap(({ DependsOn = [] }) => DependsOn);
  expect(depends.filter((name) => !known.includes(name))).toEqual([]);
});

// CloudFormation's names are those of the services' own calls for hooks, groups and queues.
test("hooks, group and queues have only properties that AWS knows", async () => {
  const { Resources } = await render();
  const { Workers, Queue, DeadLetterQueue } = Resources;
  expect(membersOf(CreateAutoScalingGroupType$)).toEqual(
    expect.arrayContaining(Object.keys(Workers!.Properties)),
  );
  for (const hook of Workers!.Properties["LifecycleHookSpecificationList"] as object[]) {
    expect(membersOf(LifecycleHookSpecification$)).toEqual(
      expect.arrayContaining(Object.keys(hook)),
    );
  }
  for (const queue of [Queue, DeadLetterQueue]) {
    expect(Object.values(QueueAttributeName)).toEqual(
      expect.arrayContaining(Object.keys(queue!.Properties)),
    );
  }
});

test("an update waits for signals, no longer than CloudFormation does, and nodes start behind the taint", async () => {
  const policyOf = ({ Resources }: Template) =>
    Resources["Workers"]?.UpdatePolicy?.AutoScalingRollingUpdate;
  expect(policyOf(await render())).toMatchObject({
    WaitOnResourceSignals: true,
    PauseTime: "PT1H",
  });
  const configured = await render("--config", "node-rollout.yaml");
  expect(policyOf(configured)).toMatchObject({ PauseTime: "PT15M" });
  const userData = JSON.stringify(configured.Resources["LaunchTemplate"]);
  expect(userData).toContain("- key: example.org/starting\\n");
});

test("the daemon's calls are understood by a group made from it", async () => {
  const { Resources } = await render();
  const hooks = Resources["Workers"]!.Properties[
    "LifecycleHookSpecificationList"
  ] as HookSpecification[];
  await using aws = await startFakeAws();
  const name = "nodes-workers";
  aws.addGroup({
    name,
    instances: ["i-1"],
    tags: {
      "aws:cloudformation:stack-name": "nodes",
      "aws:cloudformation:logical-id": "Workers",
    },
    hooks: hooks.map((hook) => ({
      name: hook.LifecycleHookName,
      transition: hook.LifecycleTransition,
      heartbeatTimeout: hook.HeartbeatTimeout,
      defaultResult: hook.DefaultResult,
    })),
  });
  aws.addStack({ name: "nodes", status: "UPDATE_IN_PROGRESS", resources: Object.keys(Resources) });
  const options = {
    ...{ endpoint: aws.url, region: "eu-west-1" },
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const autoScaling = new AutoScalingClient(options);
  const cloudFormation = new CloudFormationClient(options);
  const { signal } = new AbortController();

  const lifecycle = createLifecycleHooks({ autoScaling, heartbeats: autoScaling });
  const settings = await lifecycle.settings(name);
  expect(settings.map(({ transition, limitMs }) => [transition, limitMs])).toEqual([
    ["launching", 30_000_000],
    ["terminating", 30_000_000],
  ]);
  const groups = createGroups(autoScaling, [name], signal);
  await groups.refresh(0);
  const { stack } = groups.find("i-1")!.group;
  expect(await createSignals(cloudFormation).send(stack!, "i-1", "SUCCESS")).toBe("told");
  for (const { LifecycleTransition, LifecycleHookName: hook } of hooks) {
    aws.begin(name, "i-1", LifecycleTransition);
    const action = { asg: name, hook, instanceId: "i-1" };
    expect(await lifecycle.heartbeat(action)).toBe("held");
    expect(await lifecycle.complete(action, "CONTINUE")).toBe("completed");
  }
  expect(aws.problems).toEqual([]);
});
