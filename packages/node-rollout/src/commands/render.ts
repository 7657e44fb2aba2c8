import { type Command, command } from "@internal/lib/command";
import { print } from "@internal/lib/formats";
import { printYaml } from "@internal/lib/yaml-documents";
import { configOf, imageOf, placeOf, renderOptions } from "./render-options.ts";

const renderRbacCommand = command({
  name: "render rbac",
  usage: "[OPTION…]",
  summary: "Prints the ServiceAccount and the cluster role of the daemon.",
  details: "Without --config the rights cover every setting. drain needs the same.",
  options: {
    ...renderOptions,
    "role-arn": { value: "ARN", help: "the pods' IAM role, where IRSA gives it to them" },
  },
  examples: [
    {
      line: "node-rollout render rbac --config node-rollout.yaml | kubectl apply -f -",
      does: "grant exactly what this configuration needs",
    },
  ],
  async run({ values, io }) {
    const { renderRbac } = await import("../render/rbac.ts");
    const { "role-arn": roleArn } = values;
    const { drain } = (await configOf(values.config))?.config ?? {};
    const rights = drain && {
      force: drain.onTimeout === "force",
      volumes: drain.waitForVolumes,
    };
    const role = roleArn === undefined ? {} : { roleArn };
    await printYaml(io.stdout, renderRbac({ ...placeOf(values), ...role, ...rights }));
    return 0;
  },
});

const renderIamCommand = command({
  name: "render iam",
  usage: "[OPTION…]",
  summary: "Prints the IAM policy of the daemon, JSON.",
  details: "Without --config it is for every group of the account and a queue named node-rollout.",
  options: { config: renderOptions.config },
  examples: [
    {
      line: "node-rollout render iam --config node-rollout.yaml > policy.json",
      does: "for aws iam create-policy --policy-document file://policy.json",
    },
  ],
  async run({ values, io }) {
    const { renderIam } = await import("../render/iam.ts");
    const { config } = (await configOf(values.config)) ?? {};
    const policy = renderIam(
      config && {
        queueUrl: config.queueUrl,
        groups: config.groups,
        signals: config.readiness !== undefined,
      },
    );
    await print(io.stdout, `${JSON.stringify(policy, null, 2)}\n`);
    return 0;
  },
});

const renderDeploymentCommand = command({
  name: "render deployment",
  usage: "--image IMAGE [OPTION…]",
  summary: "Prints a Deployment of two active replicas and a budget for them.",
  details: `With --config its file becomes the ConfigMap; without, make one of the Deployment's name:
kubectl create configmap node-rollout --namespace kube-system --from-file node-rollout.yaml`,
  options: {
    ...renderOptions,
    image: { value: "IMAGE", help: "the image with node-rollout in it" },
  },
  examples: [
    {
      line: "node-rollout render deployment --image registry.example/node-rollout:1 --config node-rollout.yaml | kubectl apply -f -",
      does: "run it",
    },
  ],
  async run({ values, io }) {
    const image = imageOf(values);
    const { renderDeployment } = await import("../render/deployment.ts");
    const read = await configOf(values.config);
    const startupTaint = read?.config.readiness?.startupTaint;
    const given = read && {
      configText: read.text,
      queueUrl: read.config.queueUrl,
      ...(startupTaint === undefined ? {} : { startupTaint }),
    };
    await printYaml(io.stdout, renderDeployment({ image, ...placeOf(values), ...given }));
    return 0;
  },
});

const renderNpdCommand = command({
  name: "render npd",
  usage: "--image IMAGE [OPTION…]",
  summary: "Prints node-problem-detector with checks that say what is good, for the gate.",
  details: `Its conditions are True when all is well, so that nothing counts before it was checked: put NetworkReady
and DnsReady into readiness.conditions. The checks are examples; their scripts are in the ConfigMap.`,
  options: {
    image: { value: "IMAGE", help: "the image of node-problem-detector" },
    namespace: { value: "NAME", help: "where it runs, default kube-system" },
    name: { value: "NAME", help: "of every object, default node-problem-detector" },
  },
  examples: [
    {
      line: "node-rollout render npd --image registry.k8s.io/node-problem-detector/node-problem-detector:v1.35.2 | kubectl apply -f -",
      does: "run it on every node",
    },
  ],
  async run({ values, io }) {
    const image = imageOf(values);
    const { renderNpd } = await import("../render/npd.ts");
    await printYaml(io.stdout, renderNpd({ image, ...placeOf(values) }));
    return 0;
  },
});

const renderCloudFormationCommand = command({
  name: "render cloudformation",
  usage: "[OPTION…]",
  summary: "Prints a CloudFormation template: a group with its hooks, queues, rules and policies.",
  details: `For an EKS cluster that exists and nodes of Amazon Linux 2023. Nodes register with the startup taint, and a
rolling update waits for the gate's signals. With --config its startup taint and pause time are used.`,
  options: { config: renderOptions.config },
  examples: [
    {
      line: "node-rollout render cloudformation > workers.yaml",
      does: "for aws cloudformation deploy --template-file workers.yaml",
    },
  ],
  async run({ values, io }) {
    const { renderCloudFormation } = await import("../render/cloudformation.ts");
    const { readiness } = (await configOf(values.config))?.config ?? {};
    const { pauseMsOf } = await import("../gate/readiness-config.ts");
    const options = readiness && {
      pauseTimeSeconds: pauseMsOf(readiness) / 1000,
      startupTaint: readiness.startupTaint,
    };
    const { stringify } = await import("yaml");
    // With the older rules for plain text the versions, which look like dates to them, are quoted.
    const text = stringify(renderCloudFormation(options), { version: "1.1", lineWidth: 0 });
    await print(io.stdout, text);
    return 0;
  },
});

/** `node-rollout render …`: what is applied to a cluster or an account. */
export const renderCommands: readonly Command[] = [
  renderRbacCommand,
  renderIamCommand,
  renderDeploymentCommand,
  renderNpdCommand,
  renderCloudFormationCommand,
];
