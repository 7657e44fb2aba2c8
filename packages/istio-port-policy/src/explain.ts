import { type Meaning, meaningOf } from "./meaning.ts";
import { type DecidedBy, detectProtocol } from "./protocol.ts";
import type { Protocol } from "./protocol-name.ts";
import type { Service } from "./service.ts";
import { nameOf, viewOf } from "./service.ts";

/** One port of a Service: what Istio makes of it, why, and what that means for its traffic. */
export interface PortExplanation {
  namespace: string;
  service: string;
  port: { index: number; name: string; number?: number; appProtocol?: string; transport: string };
  protocol: Protocol;
  decidedBy: DecidedBy;
  sidecar: string;
  ambient: string;
}

/**
 * Explains every port of a Service.
 *
 * @throws PolicyError (`ISTIO_VERSION`)
 */
export function explainService(
  service: Service,
  options: { istioVersion?: string | undefined } = {},
): PortExplanation[] {
  const { namespace, name, ports } = viewOf(service);
  return ports.map((port, index) => {
    const decided = detectProtocol(port, options);
    const { sidecar, ambient }: Meaning = meaningOf(decided.protocol);
    return {
      namespace,
      service: name,
      port: {
        index,
        name: nameOf(port),
        ...(typeof port.port === "number" ? { number: port.port } : {}),
        ...(typeof port.appProtocol === "string" ? { appProtocol: port.appProtocol } : {}),
        transport: port.protocol ?? "TCP",
      },
      ...decided,
      sidecar,
      ambient,
    };
  });
}
