import type { ServicePort } from "./protocol.ts";

/** A Kubernetes Service, as far as it is read here; what `JSON.parse` or client-node gives fits. */
export interface Service {
  apiVersion?: string;
  kind?: string;
  metadata?: {
    name?: string;
    generateName?: string;
    namespace?: string;
    labels?: Record<string, string> | null;
    annotations?: Record<string, string> | null;
  };
  spec?: {
    type?: string;
    clusterIP?: string;
    ports?: (ServicePort & { targetPort?: unknown })[] | null;
  };
}

/** A Service as its messages name it, and its ports without nulls. */
export interface ServiceView {
  kind: string;
  namespace: string;
  name: string;
  external: boolean;
  headless: boolean;
  ports: (ServicePort & { targetPort?: unknown })[];
}

/** Reads the fields that messages and rules need, with the API server's defaults for what is absent. */
export function viewOf({ kind, metadata, spec }: Service): ServiceView {
  return {
    kind: kind || "Service",
    namespace: metadata?.namespace || "default",
    name: metadata?.name || metadata?.generateName || "",
    external: spec?.type === "ExternalName",
    headless: spec?.clusterIP === "None",
    ports: Array.isArray(spec?.ports) ? spec.ports.map((port) => port ?? {}) : [],
  };
}

/** A port's name; an absent one, null and what is no text are "". */
export function nameOf({ name }: ServicePort): string {
  return typeof name === "string" ? name : "";
}

/** `4317 "otlp-grpc"`: how messages name a port. */
export function labelOf(port: ServicePort): string {
  const name = nameOf(port) === "" ? "(unnamed)" : `"${nameOf(port)}"`;
  const said = typeof port.appProtocol === "string" ? ` (appProtocol "${port.appProtocol}")` : "";
  return `${typeof port.port === "number" ? port.port : "?"} ${name}${said}`;
}
