import { checkLockName } from "./leadership.ts";

export interface RbacOptions {
  /** The lock. */
  name: string;
  /** @default "default" */
  namespace?: string;
  /** Made with the name of the lock unless it is another's. @default the lock's name */
  serviceAccount?: string;
  /** Leave out the rights to look at pods and to free a dead leader's lock. @default false */
  minimal?: boolean;
}

/**
 * The rights that an election needs: ServiceAccount, Role and RoleBinding, as plain objects.
 *
 * With `minimal` a waiter cannot see whether a leader lives: it runs as soon as the lock is gone.
 *
 * @throws ConfigurationError for a name that the lock cannot have
 */
export function renderRbac(options: RbacOptions): object[] {
  const { name, namespace = "default", serviceAccount = name, minimal = false } = options;
  checkLockName(name);
  const verbs = minimal ? ["get", "list", "watch"] : ["get", "list", "watch", "delete"];
  const rules = [
    // Rights to create cannot be limited to a name.
    { apiGroups: [""], resources: ["configmaps"], verbs: ["create"] },
    { apiGroups: [""], resources: ["configmaps"], resourceNames: [name], verbs },
    ...(minimal ? [] : [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }]),
  ];
  const role = `${name}-leader`;
  const group = "rbac.authorization.k8s.io";
  const apiVersion = `${group}/v1`;
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: serviceAccount, namespace } },
    { apiVersion, kind: "Role", metadata: { name: role, namespace }, rules },
    {
      apiVersion,
      kind: "RoleBinding",
      metadata: { name: role, namespace },
      roleRef: { apiGroup: group, kind: "Role", name: role },
      subjects: [{ kind: "ServiceAccount", name: serviceAccount, namespace }],
    },
  ];
}

export interface DeploymentOptions {
  /** The lock, and the Deployment's name. */
  name: string;
  image: string;
  /** @default "default" */
  namespace?: string;
  /** @default the lock's name */
  serviceAccount?: string;
  /** @default 2 */
  replicas?: number;
  /** The command and its arguments; the default is what the image's own ENTRYPOINT gives to kube-leader. */
  command?: string[];
  /** The port on which the command answers `/healthz`: kube-leader answers there while it waits. */
  healthPort?: number;
}

/**
 * A Deployment of which one pod leads, as a plain object.
 *
 * @throws ConfigurationError for a name that the lock cannot have
 */
export function renderDeployment(options: DeploymentOptions): object {
  const { name, image, namespace = "default", serviceAccount = name, replicas = 2 } = options;
  checkLockName(name);
  const labels = { "app.kubernetes.io/name": name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, labels },
    spec: {
      replicas,
      // Old pods go before new ones come: an update that waits for a new pod to be ready, while that waits
      // for the lock of an old one, would never end.
      strategy: { type: "Recreate" },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { serviceAccountName: serviceAccount, containers: [container(options, image)] },
      },
    },
  };
}

function container({ name, command, healthPort }: DeploymentOptions, image: string): object {
  const options = healthPort === undefined ? [] : ["--health-port", `${healthPort}`];
  const probe = { httpGet: { path: "/healthz", port: healthPort } };
  return {
    name: "leader",
    image,
    ...(command === undefined
      ? {}
      : { command: ["kube-leader", "--name", name, ...options, "--", ...command] }),
    env: [
      { name: "KUBE_LEADER_NAME", value: name },
      ...[
        ["POD_NAME", "metadata.name"],
        ["POD_NAMESPACE", "metadata.namespace"],
        ["POD_UID", "metadata.uid"],
      ].map(([variable, fieldPath]) => ({
        name: variable,
        valueFrom: { fieldRef: { fieldPath } },
      })),
    ],
    ...(healthPort === undefined
      ? {}
      : {
          ports: [{ name: "health", containerPort: healthPort }],
          readinessProbe: probe,
          livenessProbe: { ...probe, initialDelaySeconds: 10 },
        }),
  };
}
