import { PolicyError } from "../errors.ts";
import { type OptOutLabel, parseOptOutLabel } from "../exemptions.ts";
import type { CheckOptions, Rule } from "../finding.ts";
import { type IstioProfile, istioProfile } from "../istio-version.ts";
import { conventionProtocols, namePattern } from "../naming.ts";

/** What every generated policy takes. */
export interface RenderOptions extends CheckOptions {
  /** Lets a Service opt out by its own label or by Istio's suppress annotation. @default false */
  allowServiceOptOut?: boolean | undefined;
  /** What becomes of a violation. @default "deny" */
  enforcement?: Enforcement | undefined;
  /** @default "v1" */
  regoVersion?: "v0" | "v1" | undefined;
  /** The language of a Gatekeeper template. @default "rego" */
  engine?: "rego" | "cel" | undefined;
}

export type Enforcement = "deny" | "warn" | "dryrun";

/** {@link RenderOptions} checked and complete. */
export interface RenderSettings {
  rule: Rule;
  istioVersion: string | undefined;
  profile: IstioProfile;
  protocols: readonly string[];
  optOut: OptOutLabel;
  allowServiceOptOut: boolean;
  enforcement: Enforcement;
  regoVersion: "v0" | "v1";
  engine: "rego" | "cel";
}

/** @throws PolicyError for an option that cannot be meant */
export function toSettings(options: RenderOptions): RenderSettings {
  const { rule = "istio", protocols = conventionProtocols, regoVersion, engine = "rego" } = options;
  if (engine === "cel" && regoVersion !== undefined) {
    throw new PolicyError(
      "RENDER",
      "a policy in CEL has no Rego version; leave one of the two out",
    );
  }
  namePattern(protocols);
  return {
    rule,
    istioVersion: options.istioVersion,
    profile: istioProfile(options.istioVersion),
    protocols,
    optOut: parseOptOutLabel(options.optOutLabel),
    allowServiceOptOut: options.allowServiceOptOut ?? false,
    enforcement: options.enforcement ?? "deny",
    regoVersion: regoVersion ?? "v1",
    engine,
  };
}
