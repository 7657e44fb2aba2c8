import { expect, test } from "vitest";
import { type Api, eventually, fresh, podBody } from "./api.ts";

const configMaps = "/api/v1/{ns}/configmaps";
const rbac = "/apis/rbac.authorization.k8s.io/v1/{ns}";

/** Who may do what, and in which words others are refused. */
export function accessContract(api: () => Api): void {
  /** A service account with these rules in the namespace. */
  const makeAccount = async (
    rules: object[],
    boundObjectRef?: object,
    name: string = fresh("account"),
  ) => {
    const { namespace } = api();
    await api().post("/api/v1/{ns}/serviceaccounts", { metadata: { name } });
    await api().post(`${rbac}/roles`, { metadata: { name }, rules });
    await api().post(`${rbac}/rolebindings`, {
      metadata: { name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
    });
    const { code, body } = await api().post(`/api/v1/{ns}/serviceaccounts/${name}/token`, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { ...(boundObjectRef === undefined ? {} : { boundObjectRef }) },
    });
    expect(code).toBe(201);
    const token = String(body.status?.["token"]);
    return { user: `system:serviceaccount:${namespace}:${name}`, token, api: api().as(token) };
  };
  const rule = (resource: string, verbs: string[], resourceNames?: string[]) => ({
    apiGroups: [""],
    resources: [resource],
    verbs,
    ...(resourceNames === undefined ? {} : { resourceNames }),
  });

  test("a token that nobody knows is 401", async () => {
    expect(await api().as("unknown").get(configMaps)).toMatchObject({
      code: 401,
      body: { kind: "Status", reason: "Unauthorized", message: "Unauthorized" },
    });
  });

  test("what no role allows is 403, and says who cannot do what where", async () => {
    const { api: nobody, user } = await makeAccount([]);
    const { namespace } = api();
    const end = `in API group "" in the namespace "${namespace}"`;
    expect(await nobody.get(`${configMaps}/x`)).toMatchObject({
      code: 403,
      body: {
        reason: "Forbidden",
        message: `configmaps "x" is forbidden: User "${user}" cannot get resource "configmaps" ${end}`,
        details: { name: "x", kind: "configmaps" },
      },
    });
    const messages: [Promise<{ body: object }>, string][] = [
      [
        nobody.get(configMaps),
        `configmaps is forbidden: User "${user}" cannot list resource "configmaps" ${end}`,
      ],
      [
        nobody.post(configMaps, { metadata: { name: "x" } }),
        `configmaps is forbidden: User "${user}" cannot create resource "configmaps" ${end}`,
      ],
      [
        nobody.get("/api/v1/nodes"),
        `nodes is forbidden: User "${user}" cannot list resource "nodes" in API group "" at the cluster scope`,
      ],
      [
        nobody.post("/api/v1/{ns}/pods/p/eviction", {
          apiVersion: "policy/v1",
          kind: "Eviction",
          metadata: { name: "p" },
        }),
        `pods "p" is forbidden: User "${user}" cannot create resource "pods/eviction" ${end}`,
      ],
      [
        nobody.delete("/apis/policy/v1/{ns}/poddisruptionbudgets/b"),
        `poddisruptionbudgets.policy "b" is forbidden: User "${user}" cannot delete resource "poddisruptionbudgets" in API group "policy" in the namespace "${namespace}"`,
      ],
    ];
    for (const [request, message] of messages) {
      expect((await request).body).toMatchObject({ reason: "Forbidden", message });
    }
  });

  test("a role allows what it says in its namespace, and nothing else", async () => {
    const { api: reader } = await makeAccount([rule("configmaps", ["get", "list", "create"])]);
    const name = fresh("allowed");
    expect((await reader.post(configMaps, { metadata: { name } })).code).toBe(201);
    expect((await reader.get(`${configMaps}/${name}`)).code).toBe(200);
    expect((await reader.get(configMaps)).code).toBe(200);
    expect((await reader.delete(`${configMaps}/${name}`)).code).toBe(403);
    expect((await reader.get("/api/v1/namespaces/kube-system/configmaps")).code).toBe(403);
  });

  test("a rule for one name allows lists and watches that ask for just that name", async () => {
    const rules = [rule("configmaps", ["get", "list", "watch"], ["mine"])];
    const { api: reader, user } = await makeAccount(rules);
    const named = (name: string) => `${configMaps}?fieldSelector=metadata.name%3D${name}`;
    expect((await reader.get(named("mine"))).code).toBe(200);
    using watch = await reader.watch(`${named("mine")}&watch=true&timeoutSeconds=1`);
    expect(await watch.next()).toBeUndefined();
    expect((await reader.get(configMaps)).code).toBe(403);
    expect(await reader.get(named("other"))).toMatchObject({
      code: 403,
      body: {
        message: expect.stringContaining(`User "${user}" cannot list resource "configmaps"`),
      },
    });
  });

  test("the right to a subresource is not the right to its object", async () => {
    const { api: evictor } = await makeAccount([rule("pods/eviction", ["create"])]);
    const name = fresh("evicted");
    await api().post("/api/v1/{ns}/pods", podBody(name));
    expect((await evictor.get(`/api/v1/{ns}/pods/${name}`)).code).toBe(403);
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name } };
    expect((await evictor.post(`/api/v1/{ns}/pods/${name}/eviction`, eviction)).code).toBe(201);
    await api().delete(`/api/v1/{ns}/pods/${name}?gracePeriodSeconds=0`);
  });

  test("a pod's token says whose it is, and is worth nothing without the pod", async () => {
    const name = fresh("holder");
    const account = fresh("account");
    const body = podBody(name);
    const { body: pod } = await api().post("/api/v1/{ns}/pods", {
      ...body,
      spec: { ...body.spec, serviceAccountName: account },
    });
    const bound = { apiVersion: "v1", kind: "Pod", name, uid: pod.metadata.uid };
    const rules = [rule("configmaps", ["list"])];
    const { token, api: holder } = await makeAccount(rules, bound, account);
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    expect(claims["kubernetes.io"]).toMatchObject({
      namespace: api().namespace,
      pod: { name, uid: pod.metadata.uid },
      serviceaccount: { name: account },
    });
    expect((await holder.get(configMaps)).code).toBe(200);
    await api().delete(`/api/v1/{ns}/pods/${name}?gracePeriodSeconds=0`);
    // The real server remembers for up to ten seconds that the token was good.
    await eventually(async () => expect((await holder.get(configMaps)).code).toBe(401));
  });

  test("one may ask what one may do", async () => {
    const { api: reader } = await makeAccount([rule("configmaps", ["get"])]);
    const may = async (verb: string) => {
      const { body } = await reader.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes: { verb, resource: "configmaps", namespace: api().namespace } },
      });
      return body.status?.["allowed"];
    };
    expect([await may("get"), await may("delete")]).toEqual([true, false]);
  });

  test("the server tells its version and that it is ready", async () => {
    expect(await api().get("/version")).toMatchObject({
      code: 200,
      body: { major: "1", gitVersion: expect.stringMatching(/^v1\.\d+\.\d+/) },
    });
    expect(await api().get("/readyz")).toMatchObject({ code: 200, body: "ok" });
    const { body } = await api().get<{ resources: object[] }>("/apis/policy/v1");
    expect(body.resources).toContainEqual(
      expect.objectContaining({ name: "poddisruptionbudgets", kind: "PodDisruptionBudget" }),
    );
  });
}
