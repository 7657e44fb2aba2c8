import { istioProfile } from "./istio-version.ts";
import type { Protocol } from "./protocol-name.ts";

/** What in the port made Istio choose; `none` when nothing did. */
export type DecidedBy = "transport-udp" | "appProtocol" | "name" | "well-known-port" | "none";

/** The fields of a Service port that Istio's choice depends on; null means the same as absent. */
export interface ServicePort {
  name?: string | null;
  appProtocol?: string | null;
  port?: number;
  /** The transport; Kubernetes' default, TCP, when it is absent. */
  protocol?: string | null;
}

/** SMTP, DNS, MySQL, MongoDB: protocols whose server speaks first, which waiting for the client to speak would break. */
export const wellKnownPorts: readonly number[] = [25, 53, 3306, 27017];

/**
 * The protocol Istio gives a Service port. The same answer as `ConvertProtocol` in istio's `pkg/config/kube`.
 *
 * @param port as it stands in `spec.ports` of a Service
 * @param options.istioVersion the release whose rules count, `1.18` or `1.24.3`; the newest by default
 * @throws PolicyError (`ISTIO_VERSION`) for a version that is none
 */
export function detectProtocol(
  port: ServicePort,
  options: { istioVersion?: string | undefined } = {},
): { protocol: Protocol; decidedBy: DecidedBy } {
  const profile = istioProfile(options.istioVersion);
  if (port.protocol === "UDP") return { protocol: "UDP", decidedBy: "transport-udp" };
  // An appProtocol that says nothing Istio knows, even "", still keeps it from looking at the name.
  const decidedBy =
    profile.readsAppProtocol && typeof port.appProtocol === "string" ? "appProtocol" : "name";
  const text = typeof port[decidedBy] === "string" ? port[decidedBy] : "";
  const whole = decidedBy === "appProtocol" ? profile.kubernetesValues.get(text) : undefined;
  const protocol = whole ?? parseProtocol(text, profile.protocols);
  if (protocol !== undefined) return { protocol, decidedBy };
  if (port.port !== undefined && wellKnownPorts.includes(port.port)) {
    return { protocol: "TCP", decidedBy: "well-known-port" };
  }
  return { protocol: "UnsupportedProtocol", decidedBy: "none" };
}

/**
 * What Istio makes of a name or an `appProtocol`: the part before the first dash counts.
 *
 * @param known the protocols of a release by their text
 */
export function parseProtocol(
  text: string,
  known: ReadonlyMap<string, Protocol> = istioProfile().protocols,
): Protocol | undefined {
  const lower = /^[a-z0-9-]*$/.test(text) ? text : toLower(text);
  // Istio compares the beginning alone here, so that `grpc-webhook` is gRPC-Web as well.
  if (lower.startsWith("grpc-web")) return "GRPC-Web";
  const dash = lower.indexOf("-");
  return known.get(dash < 0 ? lower : lower.slice(0, dash));
}

/**
 * Lower case as Go's `strings.ToLower` gives it, as far as a protocol's letters are concerned: ASCII, and the
 * dotted capital I, which JavaScript turns into two characters.
 */
function toLower(text: string): string {
  return text.replaceAll(/[A-Z\u0130]/g, (letter) =>
    letter === "\u0130" ? "i" : letter.toLowerCase(),
  );
}
