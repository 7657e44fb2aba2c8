import { randomUUID } from "node:crypto";
import { forbidden, unauthorized } from "./failures.ts";
import type { KubeObject } from "./objects.ts";
import { type Resource, resourceNamed } from "./resources.ts";
import type { Store } from "./store.ts";

export interface User {
  name: string;
  groups: string[];
  /** The pod that the token is bound to: with it the token dies. */
  pod?: { namespace: string; name: string; uid: string };
}

/** What is asked for, as roles speak of it. */
export interface Attributes {
  verb: string;
  resource: Pick<Resource, "group" | "plural">;
  subresource?: string | undefined;
  namespace?: string | undefined;
  name?: string | undefined;
}

interface PolicyRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
}

interface Subject {
  kind: string;
  name: string;
  namespace?: string;
}

const administrators = "system:masters";

/** Who the tokens stand for. */
export class Tokens {
  readonly #users = new Map<string, User>();
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** A token for a user with these groups; `system:masters` may do everything. */
  forUser(name: string, groups: string[] = []): string {
    const token = randomUUID();
    this.#users.set(token, { name, groups: [...groups, "system:authenticated"] });
    return token;
  }

  /** A token that may do everything. */
  forAdministrator(): string {
    return this.forUser("administrator", [administrators]);
  }

  /**
   * A service account's token with the claims that a projected one carries. It has no signature: only
   * this server knows it.
   */
  forServiceAccount(namespace: string, name: string, pod?: { name: string; uid: string }): string {
    const account = { name, uid: randomUUID() };
    const issued = Math.floor(Date.now() / 1000);
    const token = unsignedJwt({
      iss: "https://kubernetes.default.svc.cluster.local",
      aud: ["https://kubernetes.default.svc.cluster.local"],
      sub: `system:serviceaccount:${namespace}:${name}`,
      iat: issued,
      nbf: issued,
      exp: issued + 3607,
      jti: randomUUID(),
      "kubernetes.io": {
        namespace,
        serviceaccount: account,
        ...(pod === undefined ? {} : { pod }),
      },
    });
    this.#users.set(token, {
      name: `system:serviceaccount:${namespace}:${name}`,
      groups: [
        ...["system:serviceaccounts", `system:serviceaccounts:${namespace}`],
        "system:authenticated",
      ],
      ...(pod === undefined ? {} : { pod: { namespace, ...pod } }),
    });
    return token;
  }

  /** Makes a token worth nothing from now on. */
  revoke(token: string): void {
    this.#users.delete(token);
  }

  /**
   * The user of an Authorization header.
   *
   * @throws Refusal 401 without a known token, or when the token's pod is gone
   */
  authenticate(header: string | undefined): User {
    const user = this.#users.get(header?.match(/^Bearer (\S+)$/)?.[1] ?? "");
    if (user === undefined) throw unauthorized();
    if (user.pod === undefined) return user;
    const { namespace, name, uid } = user.pod;
    const pod = this.#store.get(resourceNamed("pods"), namespace, name);
    if (pod?.metadata.uid !== uid) throw unauthorized();
    return user;
  }
}

function unsignedJwt(claims: object): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  return `${encode({ alg: "none", typ: "JWT" })}.${encode(claims)}.`;
}

/** Refuses what no role of the user allows, in the server's own words. @throws Refusal 403 */
export function authorize(store: Store, user: User, asked: Attributes): void {
  if (isAllowed(store, user, asked)) return;
  const { verb, resource, subresource, namespace, name = "" } = asked;
  const what = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
  const where =
    namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  throw forbidden(
    resource,
    name,
    `User "${user.name}" cannot ${verb} resource "${what}" in API group "${resource.group}" ${where}`,
  );
}

/** Whether a role of the user allows it: RBAC over the stored roles and bindings. */
export function isAllowed(store: Store, user: User, asked: Attributes): boolean {
  if (user.groups.includes(administrators)) return true;
  return rulesOf(store, user, asked.namespace).some((rule) => covers(rule, asked));
}

function rulesOf(store: Store, user: User, namespace: string | undefined): PolicyRule[] {
  const everywhere = store.list(resourceNamed("clusterrolebindings"));
  const here = namespace === undefined ? [] : store.list(resourceNamed("rolebindings"), namespace);
  return [...everywhere, ...here]
    .filter((binding) =>
      ((binding["subjects"] ?? []) as Subject[]).some((subject) => isUser(subject, user)),
    )
    .flatMap((binding) => rulesOfBinding(store, binding));
}

function rulesOfBinding(store: Store, binding: KubeObject): PolicyRule[] {
  const { kind, name } = binding["roleRef"] as { kind: string; name: string };
  const role =
    kind === "ClusterRole"
      ? store.get(resourceNamed("clusterroles"), undefined, name)
      : store.get(resourceNamed("roles"), binding.metadata.namespace, name);
  return (role?.["rules"] ?? []) as PolicyRule[];
}

function isUser({ kind, name, namespace }: Subject, user: User): boolean {
  if (kind === "Group") return user.groups.includes(name);
  if (kind === "ServiceAccount") return user.name === `system:serviceaccount:${namespace}:${name}`;
  return user.name === name;
}

function covers(rule: PolicyRule, { verb, resource, subresource, name }: Attributes): boolean {
  const { verbs, apiGroups = [], resources = [], resourceNames = [] } = rule;
  const what = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
  const has = (list: string[], word: string) => list.includes("*") || list.includes(word);
  return (
    has(verbs, verb) &&
    has(apiGroups, resource.group) &&
    (has(resources, what) ||
      (subresource !== undefined && resources.includes(`*/${subresource}`))) &&
    (resourceNames.length === 0 || resourceNames.includes(name ?? ""))
  );
}
