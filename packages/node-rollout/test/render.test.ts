import { runCli } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { renderDeployment } from "../src/index.ts";

const config = `queueUrl: https://sqs.eu-west-1.amazonaws.com/123456789012/lifecycle
groups: [workers-a, workers-b]
`;

/** The objects that `node-rollout render …` prints. */
async function render(...args: string[]) {
  using folder = makeFolder({ "node-rollout.yaml": config });
  const { code, stdout, stderr } = await runCli("node-rollout", ["render", ...args], {
    cwd: folder.path,
  });
  expect(code, stderr).toBe(0);
  return parseAllDocuments(stdout).map((document) => document.toJS());
}

test("render rbac gives what every setting needs, and with a configuration no more than that", async () => {
  const rightsOf = ([, role]: { rules: { resources: string[]; verbs: string[] }[] }[]) =>
    role!.rules.flatMap(({ resources, verbs }) => verbs.map((verb) => `${verb} ${resources[0]}`));
  const all = rightsOf(await render("rbac"));
  const exact = rightsOf(await render("rbac", "--config", "node-rollout.yaml"));
  expect(all.filter((right) => !exact.includes(right))).toEqual([
    "delete pods",
    "list volumeattachments",
  ]);
  expect(exact).toContain("create pods/eviction");
});

test("render rbac names the IAM role of the service account", async () => {
  const [account, , binding] = await render("rbac", "--role-arn", "arn:x", "--namespace", "ops");
  expect(account.metadata).toEqual({
    name: "node-rollout",
    namespace: "ops",
    annotations: { "eks.amazonaws.com/role-arn": "arn:x" },
  });
  expect(binding.subjects).toEqual([
    { kind: "ServiceAccount", name: "node-rollout", namespace: "ops" },
  ]);
});

test("render iam names the queue and the groups of the configuration", async () => {
  const [policy] = await render("iam", "--config", "node-rollout.yaml");
  const resources = Object.fromEntries(
    policy.Statement.map(({ Sid, Resource }: { Sid: string; Resource: unknown }) => [
      Sid,
      Resource,
    ]),
  );
  expect(resources["ReadTheQueue"]).toBe("arn:aws:sqs:eu-west-1:123456789012:lifecycle");
  expect(resources["HoldAndCompleteLifecycleActions"]).toEqual(
    ["workers-a", "workers-b"].map(
      (name) =>
        `arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:*:autoScalingGroupName/${name}`,
    ),
  );
});

test("render iam asks for CloudFormation only where a readiness gate signals it", async () => {
  const sids = (policy: { Statement: { Sid: string }[] }) => policy.Statement.map(({ Sid }) => Sid);
  const [all] = await render("iam");
  const [drainOnly] = await render("iam", "--config", "node-rollout.yaml");
  expect(sids(all)).toContain("SignalStacks");
  expect(sids(drainOnly)).not.toContain("SignalStacks");
});

test("render deployment runs two replicas on different nodes, with a budget of their own", async () => {
  const [map, deployment, budget] = await render(
    ...["deployment", "--image", "registry.example/node-rollout:1"],
    ...["--config", "node-rollout.yaml"],
  );
  expect(parse(map.data["node-rollout.yaml"])).toEqual(parse(config));
  const { replicas, template } = deployment.spec;
  const [container] = template.spec.containers;
  expect(replicas).toBe(2);
  expect(
    template.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution,
  ).toHaveLength(1);
  expect(container.image).toBe("registry.example/node-rollout:1");
  expect(container.env).toEqual([
    { name: "POD_UID", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
    { name: "AWS_REGION", value: "eu-west-1" },
  ]);
  expect(budget.spec.selector.matchLabels).toEqual(template.metadata.labels);
});

test("render says what is missing, and prints the same twice", async () => {
  const missing = await runCli("node-rollout", ["render", "deployment"]);
  expect(missing.code).toBe(2);
  expect(missing.stderr).toContain("--image IMAGE");
  const what = await runCli("node-rollout", ["render"]);
  expect(what.code).toBe(2);
  expect(what.stderr).toContain("known are rbac, iam, deployment");
  expect(await render("rbac")).toEqual(await render("rbac"));
});

test("render deployment makes other pods for another configuration", () => {
  const templateOf = (configText: string) => {
    const objects = renderDeployment({ image: "i:1", configText }) as {
      kind: string;
      spec?: { template?: object };
    }[];
    return objects.find(({ kind }) => kind === "Deployment")?.spec?.template;
  };
  expect(templateOf(config)).toEqual(templateOf(config));
  expect(templateOf(config)).not.toEqual(templateOf(`${config}reconcileSeconds: 30\n`));
});
