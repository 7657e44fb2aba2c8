import { isUnroutable, messageOf } from "../check-service.ts";
import {
  managedLabel,
  managingControllers,
  suppressAnnotation,
  systemNamespaces,
} from "../exemptions.ts";
import { namePattern } from "../naming.ts";
import { wellKnownPorts } from "../protocol.ts";
import { type Service, viewOf } from "../service.ts";
import type { RenderSettings } from "./options.ts";

/** One review and the violations the policy owes it. */
export interface PolicyCase {
  /** Names the test. */
  says: string;
  input: {
    review: { operation?: string; object: unknown; oldObject?: unknown };
    parameters?: Record<string, unknown>;
  };
  violations: unknown[];
}

type Ports = unknown[];

const right = { name: "http-web", port: 8080 };
const wrong = { name: "web", port: 8080 };
const alsoWrong = { name: "admin", port: 9000 };

function serviceWith(ports: unknown, metadata: object = {}, spec: object = {}): Service {
  return {
    kind: "Service",
    metadata: { name: "web", namespace: "shop", ...metadata },
    spec: { ...spec, ports: ports as never },
  };
}

/** What the policy says of these ports of a Service. */
function violationsOf({ rule, protocols }: RenderSettings, object: Service, indexes: number[]) {
  const view = viewOf(object);
  if (rule === "istio") {
    return indexes.map((index) => ({
      msg: messageOf(view, [view.ports[index] ?? {}]),
      details: { port: index },
    }));
  }
  const { kind, namespace, name } = view;
  const msg = `${kind} ${namespace} ${name}: port name must match ${namePattern(protocols)} to be routable by Istio`;
  return indexes.length === 0 ? [] : [{ msg }];
}

/** A case for a new Service; `indexes` are its wrong ports. */
function created(
  settings: RenderSettings,
  says: string,
  object: Service,
  indexes: number[],
  rest: Partial<PolicyCase["input"]> & { operation?: string } = {},
): PolicyCase {
  const { operation, ...input } = rest;
  const review = operation === undefined ? { object } : { operation, object };
  return {
    says,
    input: { review, ...input },
    violations: violationsOf(settings, object, indexes),
  };
}

function updated(
  settings: RenderSettings,
  says: string,
  oldObject: Service,
  object: Service,
  indexes: number[],
): PolicyCase {
  return {
    says,
    input: { review: { operation: "UPDATE", object, oldObject } },
    violations: violationsOf(settings, object, indexes),
  };
}

/** What both rules have in common: who is exempt, what an update may do, how messages name a Service. */
export function commonCases(settings: RenderSettings): PolicyCase[] {
  return [
    ...exemptionCases(settings),
    ...optOutCases(settings),
    ...lifecycleCases(settings),
    ...shapeCases(settings),
  ];
}

function exemptionCases(settings: RenderSettings): PolicyCase[] {
  const given = (says: string, metadata: object, indexes: number[], parameters?: object) =>
    created(
      settings,
      says,
      serviceWith([wrong], metadata),
      indexes,
      parameters === undefined ? {} : { parameters: { ...parameters } },
    );
  const labels = (value: Record<string, unknown>) => ({ labels: value });
  return [
    ...systemNamespaces.map((namespace) => given(`exempt ${namespace}`, { namespace }, [])),
    given("exempt istio label", labels({ istio: "ingressgateway" }), []),
    given("exempt istio release", labels({ release: "istio" }), []),
    given("enforced on another release", labels({ release: "shop" }), [0]),
    ...managingControllers.map((controller) =>
      given(`exempt managed by ${controller}`, labels({ [managedLabel]: controller }), []),
    ),
    given("enforced when managed by another", labels({ [managedLabel]: "example.com" }), [0]),
    given("enforced on a label that is null", labels({ istio: null }), [0]),
    given("exempt by parameter", { namespace: "legacy" }, [], { exemptNamespaces: ["legacy"] }),
    given("enforced in a namespace the parameter leaves out", { namespace: "kube-system" }, [0], {
      exemptNamespaces: ["legacy"],
    }),
    given("enforced on istio by parameter", labels({ istio: "pilot" }), [0], {
      exemptIstioServices: false,
    }),
  ];
}

function optOutCases(settings: RenderSettings): PolicyCase[] {
  const { allowServiceOptOut: allowed, rule } = settings;
  const { key, value = "any" } = settings.optOut;
  const exempt = allowed ? [] : [0];
  const labelled = serviceWith([wrong], { labels: { [key]: value } });
  const annotated = (codes: string, spec: object = {}) =>
    serviceWith([wrong], { annotations: { [suppressAnnotation]: codes } }, spec);
  const external = { type: "ExternalName" };
  const cases = [
    created(settings, "opt out label", labelled, exempt),
    created(settings, "suppressed wholly", annotated("*"), exempt),
    created(settings, "suppressed by code", annotated("IST0102,IST0118"), exempt),
    created(settings, "suppressed by another code", annotated("IST0150"), [0]),
    created(settings, "suppressed with a blank", annotated("IST0102, IST0118"), [0]),
    created(settings, "suppressed external", annotated("IST0150", external), exempt),
    created(settings, "suppressed external wholly", annotated("*", external), exempt),
    created(settings, "suppressed external by another code", annotated("IST0118", external), [0]),
  ];
  if (settings.optOut.value !== undefined) {
    const other = serviceWith([wrong], { labels: { [key]: `${value}-not` } });
    cases.push(created(settings, "opt out label with another value", other, [0]));
  }
  if (rule === "name") {
    cases.push(
      created(settings, "suppressed by our code", annotated("port-name"), exempt),
      created(
        settings,
        "suppressed external by our code",
        annotated("port-name", external),
        exempt,
      ),
    );
  }
  return cases;
}

function lifecycleCases(settings: RenderSettings): PolicyCase[] {
  const leaving = (deletionTimestamp: string | null) => serviceWith([wrong], { deletionTimestamp });
  const change = (says: string, before: unknown, after: Ports, indexes: number[]) =>
    updated(settings, says, serviceWith(before), serviceWith(after), indexes);
  return [
    created(settings, "created wrong", serviceWith([wrong]), [0], { operation: "CREATE" }),
    created(settings, "deleted wrong", serviceWith([wrong]), [], { operation: "DELETE" }),
    created(settings, "finalizer removed", leaving("2026-01-01T00:00:00Z"), []),
    created(settings, "not leaving yet", leaving(null), [0]),
    change("update keeps a wrong port", [right, wrong], [wrong, right], []),
    change("update adds a wrong port", [wrong], [wrong, alsoWrong], [1]),
    change("update makes a right port wrong", [right], [wrong], [0]),
    change("update of a service without ports", null, [wrong], [0]),
  ];
}

function shapeCases(settings: RenderSettings): PolicyCase[] {
  const given = (says: string, object: object, indexes: number[]) =>
    created(settings, says, object, indexes);
  return [
    given("no ports", serviceWith([]), []),
    given("null ports", serviceWith(null), []),
    given("a name that is null", serviceWith([{ name: null, port: 8080 }]), [0]),
    given("a name that is no text", serviceWith([{ name: 8080, port: 8080 }]), [0]),
    given("unnamed service", { spec: { ports: [wrong] } }, [0]),
    given("generated name", serviceWith([wrong], { name: null, generateName: "web-" }), [0]),
    given("another kind", { ...serviceWith([wrong]), kind: "NodeService" }, [0]),
    given(
      "no namespace",
      { kind: "Service", metadata: { name: "web" }, spec: { ports: [wrong] } },
      [0],
    ),
  ];
}

/** The naming convention; the first five are what its counts were first defined by. */
export function nameCases(settings: RenderSettings): PolicyCase[] {
  const ports = (says: string, given: Ports, indexes: number[]) =>
    created(settings, says, serviceWith(given), indexes);
  const [first = ""] = settings.protocols;
  return [
    ports("a protocol", [{ name: first }], []),
    ports("a protocol with a suffix", [{ name: `${first}-foobar` }], []),
    ports("a protocol without a dash", [{ name: `${first}foobar` }], [0]),
    ports("unnamed port", [{}], [0]),
    ports("two unnamed ports", [{}, {}], [0, 1]),
    ...settings.protocols.map((name) => ports(`protocol ${name}`, [{ name }], [])),
    ports("not at the beginning", [{ name: `otlp-${first}` }], [0]),
    ports("upper case", [{ name: first.toUpperCase() }], [0]),
    ports("whatever the appProtocol says", [{ ...wrong, appProtocol: first }], [0]),
    created(settings, "protocols by parameter", serviceWith([{ name: "thrift" }]), [], {
      parameters: { protocols: ["grpc", "thrift"] },
    }),
  ];
}

/** What Istio decides: transport, appProtocol, name, number. */
export function istioCases(settings: RenderSettings): PolicyCase[] {
  const { profile } = settings;
  const external = (says: string, port: object, indexes: number[]) =>
    created(settings, says, serviceWith([port], {}, { type: "ExternalName" }), indexes);
  /** Whether the port is wrong is the library's word: the policy has to agree. */
  const port = (says: string, given: object) => {
    const object = serviceWith([given]);
    const [read = {}] = viewOf(object).ports;
    const isWrong = isUnroutable({ external: false }, read, {
      istioVersion: settings.istioVersion,
    });
    return created(settings, says, object, isWrong ? [0] : []);
  };
  return [
    ...[...profile.protocols.keys()].map((text) => port(`protocol ${text}`, { name: text })),
    ...wellKnownPorts.map((number) => port(`well known ${number}`, { name: "main", port: number })),
    port("well known port with an unknown appProtocol", { port: 53, appProtocol: "dns" }),
    ...["kubernetes.io/h2c", "kubernetes.io/ws", "kubernetes.io/wss"].map((appProtocol) =>
      port(`app protocol ${appProtocol}`, { ...wrong, appProtocol }),
    ),
    port("kubernetes value in upper case", { ...right, appProtocol: "kubernetes.io/H2C" }),
    port("kubernetes value as a name", { name: "kubernetes.io/h2c", port: 8080 }),
    port("transport udp", { ...wrong, protocol: "UDP" }),
    port("transport udp in lower case", { ...wrong, protocol: "udp" }),
    port("transport sctp", { ...wrong, protocol: "SCTP" }),
    port("suffix", { name: "http-web", port: 8080 }),
    port("suffix of an app protocol", { ...wrong, appProtocol: "grpc-v1" }),
    port("upper case", { name: "HTTP-web", port: 8080 }),
    port("upper case app protocol", { ...wrong, appProtocol: "GRPC" }),
    port("grpc webhook", { name: "grpc-webhook", port: 8080 }),
    port("http proxy", { ...wrong, appProtocol: "http_proxy" }),
    port("thrift", { name: "thrift", port: 9090 }),
    port("no dash", { name: "httpsfoobar", port: 8080 }),
    port("not at the beginning", { name: "otlp-grpc", port: 4317 }),
    port("app protocol wins though wrong", { ...right, appProtocol: "ssl" }),
    port("app protocol wins though empty", { ...right, appProtocol: "" }),
    port("app protocol null", { ...right, appProtocol: null }),
    port("app protocol null and a wrong name", { ...wrong, appProtocol: null }),
    port("number null", { name: "web", port: null }),
    port("app protocol and a wrong name", { ...wrong, appProtocol: "http" }),
    port("unnamed port", { port: 8080 }),
    port("port without a number", { name: "web" }),
    created(settings, "two wrong ports", serviceWith([wrong, right, alsoWrong]), [0, 2]),
    created(settings, "two ports alike", serviceWith([{}, {}]), [0, 1]),
    external("external tcp", { name: "tcp", port: 80 }, [0]),
    external("external tcp with a suffix", { name: "tcp-web", port: 80 }, []),
    external("external web", wrong, [0]),
    updated(
      settings,
      "update to external",
      serviceWith([{ name: "tcp", port: 80 }]),
      serviceWith([{ name: "tcp", port: 80 }], {}, { type: "ExternalName" }),
      [0],
    ),
    updated(
      settings,
      "update of an app protocol",
      serviceWith([{ ...wrong, appProtocol: "ssl" }]),
      serviceWith([{ ...wrong, appProtocol: "h2" }]),
      [0],
    ),
  ];
}
