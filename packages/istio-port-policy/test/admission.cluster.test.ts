import { type Cluster, type TestNamespace, useCluster } from "@internal/test/cluster";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { checkService, renderAdmissionPolicy, type Service } from "../src/index.ts";
import { corpus } from "./corpus.ts";

const cluster: Cluster = useCluster();
const api = "/apis/admissionregistration.k8s.io/v1";
const wrong = { name: "web", port: 80 };

describe.each(["istio", "name"] as const)("the admission policy of rule %s", (rule) => {
  let enforced: TestNamespace;
  let optedOut: TestNamespace;
  const name = rule === "istio" ? "istio-port-protocol" : "istio-port-name";

  beforeAll(async () => {
    enforced = await cluster.namespace("ports");
    optedOut = await cluster.namespace("ports-out");
    const label = { metadata: { labels: { "istio-port-policy": "disabled" } } };
    await cluster.request("PATCH", `/api/v1/namespaces/${optedOut.name}`, label);
    const { policy, binding } = renderAdmissionPolicy({ rule });
    await cluster.create(policy as never);
    // Other tests share the cluster: here the policy is for the two namespaces alone.
    const spec = binding["spec"] as ReturnType<typeof bindingSpec>;
    spec.matchResources.namespaceSelector.matchExpressions.push({
      key: "kubernetes.io/metadata.name",
      operator: "In",
      values: [enforced.name, optedOut.name],
    });
    await cluster.create(binding as never);
    await enforcedIn(enforced);
  });
  afterAll(async () => {
    await cluster.request("DELETE", `${api}/validatingadmissionpolicybindings/${name}`);
    await cluster.request("DELETE", `${api}/validatingadmissionpolicies/${name}`);
    await Promise.all([enforced, optedOut].map((namespace) => namespace[Symbol.asyncDispose]()));
  });

  const service = (ports: object[], namespace = enforced, metadata: object = {}) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: namespace.name, ...metadata },
    spec: { ports },
  });

  /** The API server's answer to a Service it does not keep: "" when it takes it. */
  async function refusal(object: Service): Promise<string> {
    const path = `/api/v1/namespaces/${object.metadata?.namespace}/services?dryRun=All`;
    return cluster.request("POST", path, object).then(
      () => "",
      (error: Error) => error.message,
    );
  }

  /** The API server takes a moment to put a policy, or a namespace's new label, into force. */
  function enforcedIn(namespace: TestNamespace): Promise<void> {
    const look = async () => expect(await refusal(service([wrong], namespace))).toContain(name);
    return vi.waitFor(look, { timeout: 30_000, interval: 100 });
  }

  test("gives the library's verdict and message on the whole corpus", async () => {
    const legal = corpus.filter((entry) => entry.legal);
    expect(legal.length).toBeGreaterThan(60);
    for (const { service: found } of legal) {
      const given = { ...found, metadata: { ...found.metadata, namespace: enforced.name } };
      const errors = checkService(given, { rule }).filter(({ severity }) => severity === "error");
      const refused = await refusal(given);
      const said = JSON.stringify(given);
      if (errors.length === 0) expect(refused, said).toBe("");
      else if (errors.length === 1 || rule === "name") {
        expect(refused, said).toContain(errors[0]?.message);
      } else expect(refused, said).toContain(`port ${errors[0]?.port.number} "`);
    }
  });

  test("leaves a namespace that opted out alone, and a Service cannot opt itself out", async () => {
    expect(await refusal(service([wrong], optedOut))).toBe("");
    const labels = { "istio-port-policy": "disabled" };
    expect(await refusal(service([wrong], enforced, { labels }))).toContain(name);
  });

  test("1000 ports stay under the cost limit, right or wrong, new or kept", async () => {
    const ports = (prefix: string) =>
      Array.from({ length: 1000 }, (_, index) => ({
        name: `${prefix}${index}`,
        port: index + 10_000,
      }));
    expect(await refusal(service(ports("http-with-a-name-of-some-length-")))).toBe("");
    expect(await refusal(service(ports("web-with-a-name-of-some-length-")))).toContain(
      rule === "istio" ? "and 990 more; set appProtocol" : "port name must match",
    );
  });

  test("an update is denied for newly wrong ports alone, and nothing holds a deletion up", async () => {
    const path = `/api/v1/namespaces/${optedOut.name}/services/web`;
    const old = service([wrong], optedOut, { finalizers: ["example.com/hold"] });
    await cluster.request("POST", path.replace(/\/web$/, ""), old);
    const opt = (value: string | null) =>
      cluster.request("PATCH", `/api/v1/namespaces/${optedOut.name}`, {
        metadata: { labels: { "istio-port-policy": value } },
      });
    await opt(null);
    await enforcedIn(optedOut);

    const patch = (body: object) => cluster.request("PATCH", path, body);
    await patch({ metadata: { labels: { touched: "yes" } } });
    const more = { spec: { ports: [wrong, { name: "admin", port: 81 }] } };
    await expect(patch(more)).rejects.toThrow(
      rule === "istio" ? /of port 81 "admin"; set/ : /port name must match/,
    );
    await patch({ spec: { ports: [wrong, { name: "http-admin", port: 81 }] } });
    await cluster.request("DELETE", path);
    await patch({ metadata: { finalizers: null } });
    await expect(cluster.request("GET", path)).rejects.toMatchObject({ status: 404 });
    await opt("disabled");
  });
});

test("every way to render it is taken by the API server, which compiles its CEL", async () => {
  const ways = (["istio", "name"] as const).flatMap((rule) =>
    [{}, { istioVersion: "1.5" }, { istioVersion: "1.13" }, { istioVersion: "1.20" }].flatMap(
      (version) =>
        [undefined, "example.com/mesh", "example.com/mesh=off", "mesh="].flatMap((optOutLabel) =>
          [false, true].map((allowServiceOptOut) => ({
            rule,
            ...version,
            optOutLabel,
            allowServiceOptOut,
            protocols: ["http", "grpc-web"],
          })),
        ),
    ),
  );
  for (const [index, way] of ways.entries()) {
    const enforcement = (["deny", "warn", "dryrun"] as const)[index % 3];
    const { policy, binding } = renderAdmissionPolicy({ ...way, enforcement });
    const dry = (resource: string, object: object) =>
      cluster.request("POST", `${api}/${resource}?dryRun=All`, object);
    await dry("validatingadmissionpolicies", policy);
    await dry("validatingadmissionpolicybindings", binding);
  }
  const { policy } = renderAdmissionPolicy();
  const spec = { ...(policy["spec"] as object), validations: [{ expression: "object.spec.(" }] };
  const broken = { ...policy, spec };
  await expect(
    cluster.request("POST", `${api}/validatingadmissionpolicies?dryRun=All`, broken),
  ).rejects.toMatchObject({ status: 422 });
});

function bindingSpec() {
  return {
    matchResources: {
      namespaceSelector: {
        matchExpressions: [] as { key: string; operator: string; values: string[] }[],
      },
    },
  };
}
