/** Where node-problem-detector runs, and as what. */
export interface NpdOptions {
  /** The image of node-problem-detector. */
  image: string;
  /** @default "node-problem-detector" */
  name?: string;
  /** @default "kube-system" */
  namespace?: string;
}

interface Check {
  /** The condition: `True` is good, so that what node-problem-detector publishes before it has looked is not. */
  condition: string;
  good: string;
  bad: string;
  /** A program of bash that succeeds when all is well. */
  script: string;
}

/** Examples; what a node of yours needs before it may take pods is for you to say. */
const checks: readonly Check[] = [
  {
    condition: "NetworkReady",
    good: "the API server is reached by its Service's address",
    bad: "the API server is not reached by its Service's address",
    script: `: "\${KUBERNETES_SERVICE_HOST:?}" "\${KUBERNETES_SERVICE_PORT:?}"
exec 3<>"/dev/tcp/$KUBERNETES_SERVICE_HOST/$KUBERNETES_SERVICE_PORT"`,
  },
  {
    condition: "DnsReady",
    good: "the cluster's DNS answers",
    bad: "the cluster's DNS does not answer",
    script: "getent hosts kubernetes.default.svc >/dev/null",
  },
];

/**
 * node-problem-detector with example checks as positive conditions, as plain objects: ServiceAccount, binding,
 * ConfigMap and DaemonSet. There is one condition a file, as the first result of any rule publishes every other
 * condition of its file, too.
 */
export function renderNpd(options: NpdOptions): object[] {
  const { image, name = "node-problem-detector", namespace = "kube-system" } = options;
  const metadata = { name, namespace };
  const labels = { "app.kubernetes.io/name": name };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name },
      // A role that every cluster has.
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "ClusterRole",
        name: "system:node-problem-detector",
      },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata,
      data: Object.assign({}, ...checks.map(filesOf)),
    },
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata,
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels: { ...labels } }, spec: podSpec(image, name) },
      },
    },
  ];
}

function podSpec(image: string, name: string): object {
  const monitors = checks.map(({ condition }) => `/checks/${condition}.json`).join(",");
  return {
    serviceAccountName: name,
    // It must be on the node before the startup taint goes: the taint goes by what it reports.
    tolerations: [{ operator: "Exists" }],
    priorityClassName: "system-node-critical",
    nodeSelector: { "kubernetes.io/os": "linux" },
    containers: [
      {
        name: "node-problem-detector",
        image,
        command: ["/node-problem-detector"],
        args: ["--logtostderr", `--config.custom-plugin-monitor=${monitors}`],
        env: [{ name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
        resources: {
          requests: { cpu: "10m", memory: "80Mi" },
          limits: { memory: "120Mi" },
        },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        volumeMounts: [{ name: "checks", mountPath: "/checks", readOnly: true }],
      },
    ],
    volumes: [{ name: "checks", configMap: { name, defaultMode: 0o555 } }],
  };
}

/** A check's configuration and its script. */
function filesOf({ condition, good, bad, script }: Check): Record<string, string> {
  const config = {
    plugin: "custom",
    pluginConfig: {
      invoke_interval: "15s",
      timeout: "5s",
      max_output_length: 80,
      concurrency: 1,
      enable_message_change_based_condition_update: false,
      // Nothing is published before the check has run.
      skip_initial_status: true,
    },
    source: `node-rollout-${condition}`,
    conditions: [{ type: condition, reason: `Not${condition}`, message: bad }],
    rules: [
      {
        type: "permanent",
        condition,
        reason: condition,
        path: `/checks/${condition}.sh`,
        timeout: "5s",
      },
    ],
  };
  return {
    [`${condition}.json`]: `${JSON.stringify(config, undefined, 2)}\n`,
    [`${condition}.sh`]: scriptOf(script, good, bad),
  };
}

/** node-problem-detector takes 1 for True and 0 for False: a positive condition is 1 when all is well. */
function scriptOf(script: string, good: string, bad: string): string {
  return `#!/bin/bash
# 1: the condition is True, and that is good. 0: it is False. 2, or no answer in time: it is Unknown.
if (
  set -e
  ${script.replaceAll("\n", "\n  ")}
) 2>/dev/null; then
  echo "${good}"
  exit 1
fi
echo "${bad}"
exit 0
`;
}
