import type { Option } from "@internal/lib/command";
import type { RenderOptions } from "../render/options.ts";
import { oneOf, ruleOptions, toCheckOptions } from "./options.ts";

/** What every `render` of a policy takes. */
export const renderOptions = {
  ...ruleOptions,
  "allow-service-opt-out": {
    help: "the opt-out label and Istio's suppress annotation on a Service count too",
  },
} satisfies Record<string, Option>;

export const regoOptions = {
  "rego-version": { value: "v1|v0", help: "the syntax of the Rego; v1 by default" },
} satisfies Record<string, Option>;

export const enforcementOptions = {
  enforcement: {
    value: "deny|warn|dryrun",
    help: "what becomes of a violation; deny by default",
  },
} satisfies Record<string, Option>;

export const engineOptions = {
  engine: { value: "rego|cel", help: "the language of the template; rego by default" },
} satisfies Record<string, Option>;

type Given = { [K in Exclude<keyof typeof renderOptions, "allow-service-opt-out">]?: string } & {
  "allow-service-opt-out"?: boolean;
  "rego-version"?: string;
  enforcement?: string;
  engine?: string;
};

/** The values of the options above as the library takes them. */
export function toRenderOptions(values: Given): RenderOptions {
  const { enforcement, engine, "rego-version": regoVersion } = values;
  return {
    ...toCheckOptions(values),
    allowServiceOptOut: values["allow-service-opt-out"],
    regoVersion: oneOf("rego-version", regoVersion, ["v1", "v0"]),
    enforcement: oneOf("enforcement", enforcement, ["deny", "warn", "dryrun"]),
    engine: oneOf("engine", engine, ["rego", "cel"]),
  };
}
