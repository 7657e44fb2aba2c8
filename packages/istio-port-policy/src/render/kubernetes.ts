/** A Kubernetes object, ready for `JSON.stringify` or `kubectl apply`. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
  [field: string]: unknown;
}

/** Selects the namespaces that have not opted out. */
export interface NamespaceSelector {
  matchExpressions: { key: string; operator: "NotIn" | "DoesNotExist"; values?: string[] }[];
}
