/** Where objects of a kind are created and listed: `/apis/policy/v1/namespaces/x/poddisruptionbudgets`. */
export function pathOf(object: {
  apiVersion: string;
  kind: string;
  metadata: { namespace?: string };
}): string {
  return collectionPath(object.apiVersion, resourceOf(object.kind), object.metadata.namespace);
}

/** The path of a collection; without a namespace, of one that has none or of all of them. */
export function collectionPath(apiVersion: string, resource: string, namespace?: string): string {
  const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${group}${namespace === undefined ? "" : `/namespaces/${namespace}`}/${resource}`;
}

/** A kind's resource, by the rule that Kubernetes' own kinds follow. */
function resourceOf(kind: string): string {
  const name = kind.toLowerCase();
  if (name.endsWith("s")) return `${name}es`;
  return name.endsWith("y") ? `${name.slice(0, -1)}ies` : `${name}s`;
}
