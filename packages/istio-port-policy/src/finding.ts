import type { DecidedBy } from "./protocol.ts";
import type { Protocol } from "./protocol-name.ts";

/** `istio`: what istiod itself decides. `name`: every port's name follows the naming convention. */
export type Rule = "istio" | "name";

/** One port and one reason. */
export interface PortFinding {
  rule: Rule;
  /** Warnings fail a check only when it is strict. */
  severity: "error" | "warning";
  /** Istio's own code (IST0118, IST0150) where its analyzer has one, else a word of ours. */
  code: string;
  message: string;
  /** What would mend it. */
  suggestion?: string;
  kind: string;
  namespace: string;
  service: string;
  /** `index` in `spec.ports`; `name` is "" when there is none. */
  port: { index: number; name: string; number?: number };
  protocol: Protocol;
  decidedBy: DecidedBy;
  file?: string;
  /** From 1. */
  line?: number;
  /** From 1, in UTF-16 code units. */
  column?: number;
}

/** What a check gives, also as `check --format json`. */
export interface CheckReport {
  findings: PortFinding[];
  checked: { files: number; services: number; ports: number };
  /** What could not be read or parsed; the rest was checked all the same. */
  unreadable: { file: string; line?: number; message: string }[];
}

/** What every check takes. */
export interface CheckOptions {
  /** @default "istio" */
  rule?: Rule | undefined;
  /** The release of Istio whose rules count, `1.24` or `1.24.3`; the newest by default. */
  istioVersion?: string | undefined;
  /** Rule `name`: the protocols a name may begin with. @default the ten of the naming convention */
  protocols?: readonly string[] | undefined;
  /** `KEY=VALUE` or `KEY`: the label that takes a namespace or a Service out. @default "istio-port-policy=disabled" */
  optOutLabel?: string | undefined;
}
