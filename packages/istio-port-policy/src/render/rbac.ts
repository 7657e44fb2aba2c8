import type { KubernetesObject } from "./kubernetes.ts";

/** The ClusterRole a live check needs and its binding to a service account: `list`, and nothing else. */
export function renderRbac(
  options: { serviceAccount?: string | undefined; namespace?: string | undefined } = {},
): KubernetesObject[] {
  const { serviceAccount = "istio-port-policy", namespace = "default" } = options;
  const metadata = { name: "istio-port-policy" };
  const apiVersion = "rbac.authorization.k8s.io/v1";
  return [
    {
      apiVersion,
      kind: "ClusterRole",
      metadata,
      rules: [{ apiGroups: [""], resources: ["services", "namespaces"], verbs: ["list"] }],
    },
    {
      apiVersion,
      kind: "ClusterRoleBinding",
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: metadata.name },
      subjects: [{ kind: "ServiceAccount", name: serviceAccount, namespace }],
    },
  ];
}
