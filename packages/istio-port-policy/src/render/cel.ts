import { managedLabel, managingControllers, suppressAnnotation } from "../exemptions.ts";
import { wellKnownPorts } from "../protocol.ts";
import type { RenderSettings } from "./options.ts";

/** A named expression; later ones use it as `variables.NAME`. */
export interface CelVariable {
  name: string;
  expression: string;
}

/** A rule in CEL, as Gatekeeper and the API server both take it. */
export interface CelRule {
  variables: CelVariable[];
  /** True when nothing is wrong. */
  expression: string;
  messageExpression: string;
  /** What stands when the message cannot be made. */
  message: string;
}

/** The rule over `object`, and over `oldObject` where there is one: only what is newly wrong counts. */
export function celRule(settings: RenderSettings): CelRule {
  const { rule } = settings;
  const wrongIn = (source: string) =>
    rule === "name" ? misnamedIn(source) : unroutableIn(source, settings);
  return {
    variables: [
      { name: "wrong", expression: wrongIn("object") },
      { name: "wrongBefore", expression: `oldObject == null ? [] : ${wrongIn("oldObject")}` },
      {
        name: "newlyWrong",
        // Comparing the lists first keeps the usual update of a Service with many wrong ports cheap.
        expression:
          "variables.wrong == variables.wrongBefore ? [] : variables.wrong.filter(w, !(w in variables.wrongBefore))",
      },
      { name: "title", expression: title },
      ...(rule === "name" ? [] : [{ name: "external", expression: isExternal("object") }]),
    ],
    expression: "variables.newlyWrong.size() == 0",
    ...(rule === "name" ? nameMessage : istioMessage),
  };
}

/** The pattern of rule `name` as a variable; Gatekeeper's is made of a parameter. */
export function patternVariable(protocols: string): CelVariable {
  return { name: "pattern", expression: `"^(" + ${protocols}.join("|") + ")($|-)"` };
}

/** A list of texts in CEL. */
export function list(values: readonly (string | number)[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(", ")}]`;
}

const portsOf = (source: string) =>
  `(has(${source}.spec) && has(${source}.spec.ports) && dyn(${source}.spec.ports) != null ? ${source}.spec.ports : [])`;

const isText = (path: string) => `has(${path}) && type(${path}) == string`;

const textOf = (path: string) => `(${isText(path)} ? ${path} : "")`;

function misnamedIn(source: string): string {
  return `${portsOf(source)}.map(p, ${textOf("p.name")}).filter(n, !n.matches(variables.pattern))`;
}

function unroutableIn(source: string, { profile }: RenderSettings): string {
  const known = (text: string) =>
    `${text}.lowerAscii().split("-")[0] in ${list([...profile.protocols.keys()])}`;
  const kubernetes = [...profile.kubernetesValues.keys()];
  const wholeValue = kubernetes.length === 0 ? "" : `p.appProtocol in ${list(kubernetes)} || `;
  const byName = known(textOf("p.name"));
  const byText = profile.readsAppProtocol
    ? `(${isText("p.appProtocol")}
        ? (${wholeValue}${known("p.appProtocol")})
        : ${byName})`
    : `(${byName})`;
  return `${portsOf(source)}
  .filter(p,
    !((has(p.protocol) && p.protocol == "UDP")
      || (has(p.port) && p.port in ${list(wellKnownPorts)})
      || ${byText})
    || (${isExternal(source)} && has(p.name) && p.name == "tcp"))
  .map(p, ${label})`;
}

/** The same text as `labelOf` gives. */
const label = `(has(p.port) && type(p.port) == int ? string(p.port) : "?")
    + (${textOf("p.name")} == "" ? " (unnamed)" : " \\"" + p.name + "\\"")
    + (${isText("p.appProtocol")} ? " (appProtocol \\"" + p.appProtocol + "\\")" : "")`;

const metadata = (field: string) =>
  `(has(object.metadata) && ${isText(`object.metadata.${field}`)} ? object.metadata.${field} : "")`;

const title = `(${textOf("object.kind")} == "" ? "Service" : object.kind) + " "
  + (${metadata("namespace")} == "" ? "default" : object.metadata.namespace) + " "
  + (${metadata("name")} == "" ? ${metadata("generateName")} : object.metadata.name)`;

const nameMessage = {
  messageExpression: `variables.title + ": port name must match " + variables.pattern + " to be routable by Istio"`,
  message: "port names must begin with their protocol to be routable by Istio",
};

/** An admission message holds 5 KiB: ten ports with the longest legal names and values fit. */
const most = 10;

const istioMessage = {
  messageExpression: `variables.title
  + (variables.external ? ": Istio may not forward port " : ": Istio cannot tell the protocol of port ")
  + ${list([...Array(most).keys()])}.filter(i, i < variables.newlyWrong.size()).map(i, variables.newlyWrong[i]).join(", ")
  + (variables.newlyWrong.size() > ${most} ? " and " + string(variables.newlyWrong.size() - ${most}) + " more" : "")
  + (variables.external
    ? " of an ExternalName Service; remove spec.ports, or name the port after its protocol and not plainly tcp"
    : "; set appProtocol, or begin the port's name with its protocol")`,
  message: "Istio cannot tell the protocol of a port; set appProtocol",
};

const isExternal = (source: string) =>
  `has(${source}.spec) && has(${source}.spec.type) && ${source}.spec.type == "ExternalName"`;

/** What is going away must be able to go. */
export const leaving = `object == null || (has(object.metadata) && has(object.metadata.deletionTimestamp) && dyn(object.metadata.deletionTimestamp) != null)`;

/** The namespace, "" where there is none. */
export const namespaceOf: string = metadata("namespace");

const hasLabels =
  "has(object.metadata) && has(object.metadata.labels) && dyn(object.metadata.labels) != null";
const labelled = (key: string, test: (value: string) => string) =>
  `(${JSON.stringify(key)} in object.metadata.labels && ${test(`object.metadata.labels[${JSON.stringify(key)}]`)})`;

/** Istio's own Services, and those it makes for a Gateway. */
export const istioOwned: string = `${hasLabels}
  && (${[
    labelled("istio", (value) => `type(${value}) == string`),
    labelled("release", (value) => `${value} == "istio"`),
    labelled(managedLabel, (value) => `${value} in ${list(managingControllers)}`),
  ].join("\n    || ")})`;

/** The Service's own opt-outs: our label, and Istio's annotation as Istio splits it. */
export function serviceOptOut({ rule, optOut: { key, value } }: RenderSettings): {
  name: string;
  expression: string;
}[] {
  const own = rule === "name" ? ["port-name"] : [];
  const annotation = JSON.stringify(suppressAnnotation);
  const codes = (code: string) => list(["*", code, ...own]);
  const optedOut = labelled(key, (found) =>
    value === undefined ? `type(${found}) == string` : `${found} == ${JSON.stringify(value)}`,
  );
  const annotated = `has(object.metadata) && has(object.metadata.annotations) && dyn(object.metadata.annotations) != null && ${annotation} in object.metadata.annotations`;
  return [
    { name: "not-opted-out", expression: `${hasLabels} && ${optedOut}` },
    {
      name: "not-suppressed",
      expression: `${annotated} && object.metadata.annotations[${annotation}].split(",").exists(c, c in (${isExternal("object")} ? ${codes("IST0150")} : ${codes("IST0118")}))`,
    },
  ];
}
