/** What the rights are for; every right that no field here asks for is left out. */
export interface RbacOptions {
  /** @default "node-rollout" */
  name?: string;
  /** @default "kube-system" */
  namespace?: string;
  /** The IAM role of the pods, by IAM roles for service accounts (IRSA). */
  roleArn?: string;
  /** `drain.onTimeout: force` deletes pods that cannot be evicted in time. @default true */
  force?: boolean;
  /** `drain.waitForVolumes` looks at volume attachments. @default true */
  volumes?: boolean;
}

const group = "rbac.authorization.k8s.io";
const apiVersion = `${group}/v1`;

/** The rights of `run` and `drain`: ServiceAccount, ClusterRole and ClusterRoleBinding, as plain objects. */
export function renderRbac(options: RbacOptions = {}): object[] {
  const { name = "node-rollout", namespace = "kube-system", roleArn } = options;
  const annotations =
    roleArn === undefined ? {} : { annotations: { "eks.amazonaws.com/role-arn": roleArn } };
  return [
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name, namespace, ...annotations },
    },
    { apiVersion, kind: "ClusterRole", metadata: { name }, rules: clusterRules(options) },
    {
      apiVersion,
      kind: "ClusterRoleBinding",
      metadata: { name },
      roleRef: { apiGroup: group, kind: "ClusterRole", name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
  ];
}

function clusterRules({ force = true, volumes = true }: RbacOptions) {
  const rule = (apiGroup: string, resource: string, ...verbs: string[]) => ({
    apiGroups: [apiGroup],
    resources: [resource],
    verbs,
  });
  return [
    // The cordon, the record and the startup taint are patches of the node.
    rule("", "nodes", "get", "list", "watch", "patch"),
    rule("", "pods", "get", "list", "watch", ...(force ? ["delete"] : [])),
    rule("", "pods/eviction", "create"),
    // An Event that is repeated is counted.
    rule("", "events", "create", "patch"),
    rule("policy", "poddisruptionbudgets", "list", "watch"),
    ...(volumes ? [rule("storage.k8s.io", "volumeattachments", "list")] : []),
  ];
}
