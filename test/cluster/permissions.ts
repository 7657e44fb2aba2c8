import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../cluster.ts";
import { collectionPath } from "./paths.ts";

/** A rule of a Role or ClusterRole. */
export interface Rule {
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
  verbs: string[];
}

export interface Permissions {
  /** In its own namespace. @default none */
  rules?: Rule[];
  /** In the whole cluster. @default none */
  clusterRules?: Rule[];
}

interface Account {
  name: string;
  namespace: string;
  user: string;
}

/** Gives a service account its roles and waits until they count; gives what takes the cluster-wide one back. */
export async function grant(
  cluster: Cluster,
  account: Account,
  { rules = [], clusterRules = [] }: Permissions,
): Promise<() => Promise<void>> {
  const { name, namespace } = account;
  const wide = `${namespace}-${name}`;
  if (rules.length > 0) await bind(cluster, account, { kind: "Role", name, namespace, rules });
  if (clusterRules.length > 0) {
    await bind(cluster, account, { kind: "ClusterRole", name: wide, rules: clusterRules });
  }
  for (const rule of rules) await waitUntilAllowed(cluster, account, rule, namespace);
  for (const rule of clusterRules) await waitUntilAllowed(cluster, account, rule);
  return async () => {
    if (clusterRules.length === 0) return;
    await cluster.request("DELETE", `${collectionPath(rbac, "clusterrolebindings")}/${wide}`);
    await cluster.request("DELETE", `${collectionPath(rbac, "clusterroles")}/${wide}`);
  };
}

const rbac = "rbac.authorization.k8s.io/v1";

interface BoundRole {
  kind: "Role" | "ClusterRole";
  name: string;
  namespace?: string;
  rules: Rule[];
}

async function bind(cluster: Cluster, account: Account, { kind, rules, ...metadata }: BoundRole) {
  const { name, namespace } = account;
  await cluster.create({ apiVersion: rbac, kind, metadata, rules });
  await cluster.create({
    apiVersion: rbac,
    kind: `${kind}Binding`,
    metadata,
    subjects: [{ kind: "ServiceAccount", name, namespace }],
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name: metadata.name },
  });
}

/** The authorizer reads roles from a cache that follows a moment later. */
async function waitUntilAllowed(
  cluster: Cluster,
  { user }: Account,
  rule: Rule,
  namespace?: string,
) {
  const [verb] = rule.verbs;
  const [resource = "", subresource] = (rule.resources?.[0] ?? "").split("/");
  const attributes = rule.nonResourceURLs
    ? { nonResourceAttributes: { verb, path: rule.nonResourceURLs[0] } }
    : {
        resourceAttributes: {
          verb,
          namespace,
          group: rule.apiGroups?.[0],
          resource,
          subresource,
          name: rule.resourceNames?.[0],
        },
      };
  const review = { spec: { user, ...attributes } };
  const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
  for (let tries = 0; tries < 500; tries++) {
    const { status } = await cluster.request<{ status: { allowed: boolean } }>(
      "POST",
      path,
      review,
    );
    if (status.allowed) return;
    await sleep(20);
  }
  throw new Error(`${user} is not allowed ${JSON.stringify(rule)} after its role was bound`);
}
