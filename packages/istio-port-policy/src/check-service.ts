import { bestEvidence, type Evidence, nearMiss, textOf } from "./evidence.ts";
import { hasLabel, isExempt, parseOptOutLabel, suppressedCodes } from "./exemptions.ts";
import type { CheckOptions, PortFinding } from "./finding.ts";
import { istioProfile } from "./istio-version.ts";
import { conventionProtocols, namePattern } from "./naming.ts";
import { detectProtocol, parseProtocol, type ServicePort } from "./protocol.ts";
import { labelOf, nameOf, type Service, type ServiceView, viewOf } from "./service.ts";
import { warningsOf } from "./warnings.ts";

/** Istio's codes: a port whose protocol it cannot tell; the same on an ExternalName Service. */
const unsupported = "IST0118";
const unsupportedExternal = "IST0150";

/**
 * Checks one Service.
 *
 * @param service as a manifest or the API server has it
 * @param options.namespaceLabels the labels of its Namespace, for the opt-out
 * @returns the findings in the order of the ports; none for a Service that Istio skips or that opted out
 * @throws PolicyError for an option that cannot be meant
 */
export function checkService(
  service: Service,
  options: CheckOptions & { namespaceLabels?: Record<string, string> | undefined } = {},
): PortFinding[] {
  return createChecker(options)(service, options.namespaceLabels);
}

/** {@link checkService} for many Services: the options are checked and made ready once. */
export function createChecker(
  options: CheckOptions,
): (service: Service, namespaceLabels?: Record<string, string>) => PortFinding[] {
  const optOut = parseOptOutLabel(options.optOutLabel);
  const { rule = "istio" } = options;
  const check = rule === "name" ? byName(options) : byIstio(options);
  return (service, namespaceLabels) => {
    const optedOut =
      hasLabel(service.metadata?.labels, optOut) || hasLabel(namespaceLabels, optOut);
    if (optedOut || isExempt(service)) return [];
    const view = viewOf(service);
    const istioCode = view.external ? unsupportedExternal : unsupported;
    const findings = view.ports.flatMap((port, index) =>
      check(view, port).map((reason): PortFinding => {
        const { severity = "error", code = istioCode, message, suggestion } = reason;
        return {
          rule,
          severity,
          code,
          message,
          ...(suggestion === undefined ? {} : { suggestion }),
          kind: view.kind,
          namespace: view.namespace,
          service: view.name,
          port: {
            index,
            name: nameOf(port),
            ...(typeof port.port === "number" ? { number: port.port } : {}),
          },
          ...detectProtocol(port, options),
        };
      }),
    );
    return withoutSuppressed(findings, suppressedCodes(service), istioCode);
  };
}

/** Every error goes with Istio's code as well, also one of rule `name`. */
function withoutSuppressed(
  findings: PortFinding[],
  suppressed: string[],
  istioCode: string,
): PortFinding[] {
  if (suppressed.includes("*")) return [];
  return findings.filter(
    ({ code, severity }) =>
      !suppressed.includes(code) && !(severity === "error" && suppressed.includes(istioCode)),
  );
}

/** Why a port is found; an error with Istio's code unless it says otherwise. */
interface Reason {
  severity?: "warning";
  code?: string;
  message: string;
  suggestion?: string;
}

type PortCheck = (service: ServiceView, port: ServicePort) => Reason[];

function byName({ protocols = conventionProtocols }: CheckOptions): PortCheck {
  const pattern = namePattern(protocols);
  const regex = new RegExp(pattern);
  return ({ kind, namespace, name }, port) => {
    if (regex.test(nameOf(port))) return [];
    const meant = suggestedName(port, protocols);
    return [
      {
        code: "port-name",
        message: `${kind} ${namespace} ${name}: port name must match ${pattern} to be routable by Istio`,
        ...(meant === undefined ? {} : { suggestion: `name: ${meant}` }),
      },
    ];
  };
}

function byIstio(options: CheckOptions): PortCheck {
  istioProfile(options.istioVersion);
  return (service, port) => {
    if (isUnroutable(service, port, options)) {
      // The message says what mends it; another name or appProtocol alone need not.
      const suggestion = service.external ? undefined : suggestionFor(port, options);
      return [
        {
          message: messageOf(service, [port]),
          ...(suggestion === undefined ? {} : { suggestion }),
        },
      ];
    }
    return service.external ? [] : warningsOf(service, port, options);
  };
}

/** Whether Istio's analyzer reports the port: no protocol, or the literal name `tcp` on an ExternalName Service. */
export function isUnroutable(
  { external }: Pick<ServiceView, "external">,
  port: ServicePort,
  options: { istioVersion?: string | undefined } = {},
): boolean {
  const { protocol } = detectProtocol(port, options);
  return protocol === "UnsupportedProtocol" || (external && port.name === "tcp");
}

/** One sentence on some ports of a Service; every rendered policy says the same. */
export function messageOf(
  { kind, namespace, name, external }: ServiceView,
  ports: ServicePort[],
): string {
  const listed = ports.map(labelOf).join(", ");
  return external
    ? `${kind} ${namespace} ${name}: Istio may not forward port ${listed} of an ExternalName Service; remove spec.ports, or name the port after its protocol and not plainly tcp`
    : `${kind} ${namespace} ${name}: Istio cannot tell the protocol of port ${listed}; set appProtocol, or begin the port's name with its protocol`;
}

function suggestionFor(port: ServicePort, options: CheckOptions): string | undefined {
  const said = port.appProtocol;
  const byPortName = parseProtocol(nameOf(port), istioProfile(options.istioVersion).protocols);
  if (typeof said === "string" && byPortName !== undefined && byPortName !== "UDP") {
    return `appProtocol: ${textOf(byPortName)} (Istio knows no ${JSON.stringify(said)}, and where there is an appProtocol it does not look at the name)`;
  }
  const meant = suggestedProtocol(port, conventionProtocols);
  if (meant === undefined) return undefined;
  const renamed = suggestedName(port, conventionProtocols);
  return `appProtocol: ${meant.appProtocol}${renamed === undefined ? "" : `, or name: ${renamed}`} (${meant.reason})`;
}

function suggestedProtocol(port: ServicePort, known: readonly string[]): Evidence | undefined {
  const text = typeof port.appProtocol === "string" ? port.appProtocol : nameOf(port);
  const evidence = bestEvidence(port);
  if (evidence !== undefined) return evidence;
  const near = nearMiss(text, known);
  if (near === undefined) return undefined;
  return { appProtocol: near, reason: `${JSON.stringify(text)} looks like ${near}` };
}

/** The name with its protocol moved or put to the front: `otlp-grpc` becomes `grpc-otlp`. */
function suggestedName(port: ServicePort, known: readonly string[]): string | undefined {
  const meant = suggestedProtocol({ ...port, appProtocol: null }, known)?.appProtocol;
  if (meant === undefined || !known.includes(meant)) return undefined;
  const rest = nameOf(port)
    .toLowerCase()
    .split("-")
    .filter((part) => part !== "" && part !== meant && nearMiss(part, [meant]) === undefined);
  return [meant, ...rest].join("-");
}
