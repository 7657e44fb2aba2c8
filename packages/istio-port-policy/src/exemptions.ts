import { PolicyError } from "./errors.ts";
import type { Service } from "./service.ts";

/** The namespaces whose Services Istio never looks at. */
export const systemNamespaces: readonly string[] = [
  "kube-system",
  "kube-public",
  "kube-node-lease",
  "local-path-storage",
];

/** The label of Services that Istio makes for a Gateway, and the controllers whose Services its analyzer skips. */
export const managedLabel = "gateway.istio.io/managed";
export const managingControllers: readonly string[] = [
  "istio.io-gateway-controller",
  "istio.io-mesh-controller",
  "istio.io-eastwest-controller",
];

/** Istio's own annotation to silence its analyzer: codes parted by commas, or `*`. */
export const suppressAnnotation = "galley.istio.io/analyze-suppress";

/** The label that takes a namespace, or one Service, out of the check. */
export const defaultOptOutLabel = "istio-port-policy=disabled";

/** True for what Istio's own analyzer skips: system namespaces, Istio's own Services, Services made for a Gateway. */
export function isExempt({ metadata }: Service): boolean {
  const labels = metadata?.labels ?? {};
  return (
    systemNamespaces.includes(metadata?.namespace ?? "") ||
    typeof labels["istio"] === "string" ||
    labels["release"] === "istio" ||
    managingControllers.includes(labels[managedLabel] ?? "")
  );
}

/** The codes an author silenced on a Service, split as Istio splits them: at commas, blanks kept. */
export function suppressedCodes({ metadata }: Service): string[] {
  const codes: unknown = metadata?.annotations?.[suppressAnnotation];
  return typeof codes === "string" ? codes.split(",") : [];
}

/** A label to look for; without a value, any value counts. */
export interface OptOutLabel {
  key: string;
  value?: string;
}

/**
 * Reads `KEY=VALUE`, or `KEY` for any value.
 *
 * @throws PolicyError (`OPT_OUT_LABEL`) when Kubernetes would not take it as a label
 */
export function parseOptOutLabel(text: string = defaultOptOutLabel): OptOutLabel {
  const word = "[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";
  const prefix = "[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/";
  const match = new RegExp(`^((?:${prefix})?${word})(?:=((?:${word})?))?$`).exec(text);
  const [, key, value] = match ?? [];
  if (key === undefined) {
    throw new PolicyError(
      "OPT_OUT_LABEL",
      `opt-out label ${JSON.stringify(text)}: expected KEY or KEY=VALUE as Kubernetes takes them for a label`,
    );
  }
  return value === undefined ? { key } : { key, value };
}

/** True when the labels hold the opt-out label. */
export function hasLabel(
  labels: Record<string, string> | null | undefined,
  { key, value }: OptOutLabel,
): boolean {
  if (!labels || !Object.hasOwn(labels, key)) return false;
  return value === undefined || labels[key] === value;
}
