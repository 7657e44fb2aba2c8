import {
  managedLabel,
  managingControllers,
  suppressAnnotation,
  systemNamespaces,
} from "../exemptions.ts";
import { wellKnownPorts } from "../protocol.ts";
import { type RenderOptions, type RenderSettings, toSettings } from "./options.ts";
import { regoPackages } from "./rego-packages.ts";
import { renderRegoTests } from "./rego-tests.ts";

/** A policy in Rego and its tests. */
export interface RegoFiles {
  policy: string;
  tests: string;
}

/**
 * The policy as plain Rego files, for OPA, Gatekeeper and Conftest alike: `violation` over `input.review`.
 *
 * @throws PolicyError for an option that cannot be meant
 */
export function renderRego(options: RenderOptions = {}): RegoFiles {
  const settings = toSettings(options);
  return { policy: regoPolicy(settings), tests: inVersion(renderRegoTests(settings), settings) };
}

/** The policy alone, as a constraint template carries it. */
export function regoPolicy(settings: RenderSettings): string {
  const rule = settings.rule === "name" ? nameRule(settings) : istioRule(settings);
  return inVersion(`${rule}\n${shared(settings)}`, settings);
}

function nameRule({ protocols }: RenderSettings): string {
  return `# Every port of a Service has a name that begins with its protocol: Istio routes by it.
package ${regoPackages.name}

# The message names no port, so that a Service is one violation however many of its ports are wrong.
violation contains {"msg": msg} if {
	service := input.review.object
	enforced(service)
	port := service.spec.ports[_]
	misnamed(port)
	not misnamed_before(port)
	msg := sprintf("%v: port name must match %v to be routable by Istio", [title(service), pattern])
}

misnamed(port) if {
	not regex.match(pattern, text(port, "name"))
}

# A Service that was wrong already can still be edited, as long as nothing more in it becomes wrong.
misnamed_before(port) if {
	old := input.review.oldObject.spec.ports[_]
	text(old, "name") == text(port, "name")
}

pattern := sprintf("^(%v)($|-)", [concat("|", object.get(input, ["parameters", "protocols"], protocols))])

protocols := ${list(protocols)}
`;
}

function istioRule({ profile }: RenderSettings): string {
  const kubernetes = [...profile.kubernetesValues.keys()];
  return `# Istio can tell the protocol of every port of a Service: by transport, appProtocol, name or number.
package ${regoPackages.istio}

violation contains {"msg": msg, "details": {"port": index}} if {
	service := input.review.object
	enforced(service)
	port := service.spec.ports[index]
	unroutable(service, port)
	not unroutable_before(port)
	msg := message(service, port)
}

unroutable(_, port) if {
	not supported(port)
}

unroutable(service, port) if {
	is_external(service)
	port.name == "tcp"
}

# A Service that was wrong already can still be edited, as long as nothing more in it becomes wrong.
unroutable_before(port) if {
	old := input.review.oldObject
	old_port := old.spec.ports[_]
	unroutable(old, old_port)
	label(old_port) == label(port)
}

supported(port) if {
	port.protocol == "UDP"
}

supported(port) if {
	${set(wellKnownPorts)}[port.port]
}
${
  kubernetes.length === 0
    ? ""
    : `
supported(port) if {
	${set(kubernetes)}[port.appProtocol]
}
`
}
# What stands before the first dash counts, and grpc-web needs no case of its own.
supported(port) if {
	protocols[lower(split(decisive(port), "-")[0])]
}

protocols := ${set([...profile.protocols.keys()])}
${profile.readsAppProtocol ? decisiveBoth : decisiveName}
message(service, port) := msg if {
	not is_external(service)
	msg := sprintf("%v: Istio cannot tell the protocol of port %v; set appProtocol, or begin the port's name with its protocol", [title(service), label(port)])
}

message(service, port) := msg if {
	is_external(service)
	msg := sprintf("%v: Istio may not forward port %v of an ExternalName Service; remove spec.ports, or name the port after its protocol and not plainly tcp", [title(service), label(port)])
}

is_external(service) if {
	service.spec.type == "ExternalName"
}

label(port) := concat(" ", [number(port), name(port)]) if {
	not has_app_protocol(port)
}

label(port) := sprintf("%v %v (appProtocol \\"%v\\")", [number(port), name(port), port.appProtocol]) if {
	has_app_protocol(port)
}

has_app_protocol(port) if {
	is_string(port.appProtocol)
}

number(port) := sprintf("%v", [port.port]) if {
	is_number(port.port)
}

number(port) := "?" if {
	not is_number(object.get(port, "port", null))
}

name(port) := "(unnamed)" if {
	text(port, "name") == ""
}

name(port) := sprintf("\\"%v\\"", [port.name]) if {
	text(port, "name") != ""
}
`;
}

const decisiveBoth = `
# An appProtocol, even a wrong one, keeps Istio from looking at the name.
decisive(port) := port.appProtocol if {
	has_app_protocol(port)
}

decisive(port) := text(port, "name") if {
	not has_app_protocol(port)
}
`;

const decisiveName = `
decisive(port) := text(port, "name")
`;

function shared(settings: RenderSettings): string {
  return `title(service) := sprintf("%v %v %v", [
	either(text(service, "kind"), "Service"),
	either(metadata(service, "namespace"), "default"),
	either(metadata(service, "name"), metadata(service, "generateName")),
])

either(first, second) := second if {
	first == ""
}

either(first, _) := first if {
	first != ""
}

metadata(service, key) := text(object.get(service, "metadata", {}), key)

# The text of a field; "" when it is absent, null or no text.
text(source, key) := value if {
	value := source[key]
	is_string(value)
}

text(source, key) := "" if {
	not is_string(object.get(source, key, null))
}

enforced(service) if {
	not exempt(service)
	not leaving(service)
}

# What is going away must be able to go.
leaving(_) if {
	input.review.operation == "DELETE"
}

leaving(service) if {
	metadata(service, "deletionTimestamp") != ""
}

exempt(service) if {
	object.get(input, ["parameters", "exemptNamespaces"], system_namespaces)[_] == metadata(service, "namespace")
}

# Istio's own Services, and those it makes for a Gateway: its own analyzer skips them too.
exempt(service) if {
	object.get(input, ["parameters", "exemptIstioServices"], true)
	istio_owned(service.metadata.labels)
}

istio_owned(labels) if {
	is_string(labels.istio)
}

istio_owned(labels) if {
	labels.release == "istio"
}

istio_owned(labels) if {
	${set(managingControllers)}[labels["${managedLabel}"]]
}

system_namespaces := ${list(systemNamespaces)}
${settings.allowServiceOptOut ? serviceOptOut(settings) : ""}`;
}

function serviceOptOut({ rule, optOut: { key, value } }: RenderSettings): string {
  const label = `service.metadata.labels[${JSON.stringify(key)}]`;
  const labelled =
    value === undefined ? `is_string(${label})` : `${label} == ${JSON.stringify(value)}`;
  const own = rule === "name" ? ["port-name"] : [];
  const codes = (code: string) => set(["*", code, ...own]);
  const [internal, external] = [codes("IST0118"), codes("IST0150")];
  const annotation = `service.metadata.annotations["${suppressAnnotation}"]`;
  return `
exempt(service) if {
	${labelled}
}

# Istio parts the codes at commas and keeps blanks.
exempt(service) if {
	service.spec.type == "ExternalName"
	${external}[split(${annotation}, ",")[_]]
}

exempt(service) if {
	text(object.get(service, "spec", {}), "type") != "ExternalName"
	${internal}[split(${annotation}, ",")[_]]
}
`;
}

function list(values: readonly (string | number)[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(", ")}]`;
}

function set(values: readonly (string | number)[]): string {
  return `{${values.map((value) => JSON.stringify(value)).join(", ")}}`;
}

/** The texts above are Rego v1; v0 writes the heads of rules without `if` and `contains`. */
function inVersion(rego: string, { regoVersion }: RenderSettings): string {
  if (regoVersion === "v1") return rego;
  return rego
    .replaceAll(/^(\w+) contains (.+) if \{$/gm, "$1[$2] {")
    .replaceAll(/^(\w+\(.*?\)) := (.+) if \{$/gm, "$1 = $2 {")
    .replaceAll(/^(\w+\([^)]*\)) := /gm, "$1 = ")
    .replaceAll(/ if \{$/gm, " {");
}
