import { createHash } from "node:crypto";
import { defaultStartupTaint } from "../gate/readiness-config.ts";
import { regionOfQueue } from "./iam.ts";

export interface DeploymentOptions {
  /** The image with node-rollout in it. */
  image: string;
  /** @default "node-rollout" */
  name?: string;
  /** @default "kube-system" */
  namespace?: string;
  /** The configuration file's text; without it the ConfigMap is yours to make. */
  configText?: string;
  /** The configuration's queue, which tells the region. */
  queueUrl?: string;
  /** The taint that new nodes start with. @default the readiness gate's */
  startupTaint?: string;
}

const configFile = "node-rollout.yaml";
const port = 9090;

/** Two active replicas on different nodes, and a budget for them, as plain objects. */
export function renderDeployment(options: DeploymentOptions): object[] {
  const { name = "node-rollout", namespace = "kube-system", configText } = options;
  const labels = { "app.kubernetes.io/name": name };
  const metadata = { name, namespace, labels };
  const selector = { matchLabels: labels };
  return [
    ...(configText === undefined
      ? []
      : [{ apiVersion: "v1", kind: "ConfigMap", metadata, data: { [configFile]: configText } }]),
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas: 2,
        // One replica goes on while the other is replaced: a hook is never without a heartbeat.
        strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
        selector,
        template: {
          metadata: { labels, ...configHash(configText) },
          spec: podSpec(name, labels, options),
        },
      },
    },
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      // A replica that is not ready does no work that a drain could disturb.
      spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow", selector },
    },
  ];
}

/** The daemon reads its configuration once: a changed one makes other pods. */
function configHash(configText: string | undefined) {
  if (configText === undefined) return undefined;
  const hash = createHash("sha256").update(configText).digest("hex");
  return { annotations: { "node-rollout/config-sha256": hash } };
}

function podSpec(name: string, labels: Record<string, string>, options: DeploymentOptions) {
  const { startupTaint = defaultStartupTaint } = options;
  const spread = (topologyKey: string) => ({ topologyKey, labelSelector: { matchLabels: labels } });
  return {
    serviceAccountName: name,
    priorityClassName: "system-cluster-critical",
    // Hands over what is in hand.
    terminationGracePeriodSeconds: 30,
    // Where only nodes are left that wait for the gate, the gate itself must still be able to start.
    tolerations: [{ key: startupTaint, operator: "Exists", effect: "NoSchedule" }],
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [spread("kubernetes.io/hostname")],
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 100, podAffinityTerm: spread("topology.kubernetes.io/zone") },
        ],
      },
    },
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1000,
      // For the token of the IAM role.
      fsGroup: 1000,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [container(options)],
    volumes: [{ name: "config", configMap: { name } }],
  };
}

function container({ image, queueUrl }: DeploymentOptions) {
  const region = regionOfQueue(queueUrl);
  const probe = (path: string) => ({ httpGet: { path, port: "metrics" }, timeoutSeconds: 5 });
  return {
    name: "node-rollout",
    image,
    args: ["run", "--config", `/etc/node-rollout/${configFile}`, "--listen", `:${port}`],
    env: [
      // Its own pod is evicted last.
      { name: "POD_UID", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
      ...(region === undefined ? [] : [{ name: "AWS_REGION", value: region }]),
    ],
    ports: [{ name: "metrics", containerPort: port }],
    livenessProbe: { ...probe("/healthz"), initialDelaySeconds: 10 },
    readinessProbe: probe("/readyz"),
    // A thousand nodes that drain at once were seen to take 571 MB.
    resources: { requests: { cpu: "50m", memory: "192Mi" }, limits: { memory: "768Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [{ name: "config", mountPath: "/etc/node-rollout", readOnly: true }],
  };
}
