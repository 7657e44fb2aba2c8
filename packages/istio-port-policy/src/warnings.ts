import type { CheckOptions } from "./finding.ts";
import { istioProfile } from "./istio-version.ts";
import { meaningOf } from "./meaning.ts";
import { detectProtocol, parseProtocol, type ServicePort } from "./protocol.ts";
import type { Protocol } from "./protocol-name.ts";
import { labelOf, nameOf, type ServiceView } from "./service.ts";

/** A port that Istio can tell the protocol of, and that still may not do what its author thinks. */
export interface Warning {
  severity: "warning";
  code: string;
  message: string;
  suggestion?: string;
}

/** The semantic warnings on a port that Istio knows the protocol of. */
export function warningsOf(
  service: ServiceView,
  port: ServicePort,
  options: CheckOptions,
): Warning[] {
  const { protocol, decidedBy } = detectProtocol(port, options);
  // UDP does not pass through the mesh, and a well-known port is TCP: neither leaves anything to say.
  if (decidedBy === "transport-udp") return [];
  const about = `${service.kind} ${service.namespace} ${service.name}: port ${labelOf(port)}`;
  return checks.flatMap((check) => {
    const found = check({ service, port, protocol, decidedBy, options });
    if (found === undefined) return [];
    const { code, says, suggestion } = found;
    return [
      {
        severity: "warning" as const,
        code,
        message: `${about} ${says}`,
        ...(suggestion === undefined ? {} : { suggestion }),
      },
    ];
  });
}

interface Subject extends ReturnType<typeof detectProtocol> {
  service: ServiceView;
  port: ServicePort;
  options: CheckOptions;
}

type Found = { code: string; says: string; suggestion?: string } | undefined;

const checks: readonly ((subject: Subject) => Found)[] = [
  contradiction,
  udpOnTcp,
  grpcWebByAccident,
  misleadingName,
  headlessHttp,
  filterOff,
  unknownToAmbient,
];

function contradiction({ port, protocol, decidedBy, options }: Subject): Found {
  if (decidedBy !== "appProtocol") return undefined;
  const named = parseProtocol(nameOf(port), istioProfile(options.istioVersion).protocols);
  if (named === undefined || named === protocol) return undefined;
  return {
    code: "contradiction",
    says: `is ${named} by its name and ${protocol} by its appProtocol; Istio goes by the appProtocol`,
    suggestion: "make the two agree",
  };
}

function udpOnTcp({ port, protocol }: Subject): Found {
  if (protocol !== "UDP") return undefined;
  return {
    code: "udp-name-on-tcp-port",
    says: `is UDP to Istio though its transport is ${port.protocol ?? "TCP"}; Istio will not proxy it`,
    suggestion: "protocol: UDP, or the protocol it really speaks",
  };
}

function grpcWebByAccident({ port, protocol, decidedBy }: Subject): Found {
  if (protocol !== "GRPC-Web") return undefined;
  const text = decidedBy === "appProtocol" ? port.appProtocol : port.name;
  if (/^grpc-web(-|$)/i.test(text ?? "")) return undefined;
  return {
    code: "grpc-webhook",
    says: "is gRPC-Web to Istio, which looks only at the beginning grpc-web",
    suggestion: "appProtocol: grpc, or grpc-web if it is meant",
  };
}

function misleadingName({ port, protocol, decidedBy, options }: Subject): Found {
  if (decidedBy !== "well-known-port") return undefined;
  const { protocols } = istioProfile(options.istioVersion);
  const said = nameOf(port)
    .split("-")
    .map((part) => ({ part, said: parseProtocol(part, protocols) }))
    .find((candidate) => candidate.said !== undefined && candidate.said !== protocol);
  if (said === undefined) return undefined;
  return {
    code: "swapped-name",
    says: `is TCP to Istio for its number alone; the ${said.part} in its name does not count where it stands`,
    suggestion: `appProtocol: ${said.part}`,
  };
}

const http: readonly Protocol[] = ["HTTP", "HTTP2", "GRPC", "GRPC-Web", "HTTP_PROXY"];

function headlessHttp({ service, protocol }: Subject): Found {
  if (!service.headless || !http.includes(protocol)) return undefined;
  return {
    code: "headless-http",
    says: `is ${protocol} on a headless Service; a client that calls one pod by its address gets 503 unless its Host header names the Service`,
    suggestion: "appProtocol: tcp, or call the pods by the Service's name",
  };
}

function filterOff({ protocol }: Subject): Found {
  if (protocol !== "MySQL" && protocol !== "Redis") return undefined;
  return {
    code: "filter-off",
    says: `is ${protocol}; Istio's filter for it is off by default, and it is proxied as plain TCP (PILOT_ENABLE_${protocol.toUpperCase()}_FILTER)`,
  };
}

function unknownToAmbient({ protocol }: Subject): Found {
  if (protocol === "UDP" || meaningOf(protocol).ambientKnows) return undefined;
  return {
    code: "ambient-unknown",
    says: `is ${protocol}, which ambient mode does not know; a waypoint treats it as a port without a protocol`,
  };
}
