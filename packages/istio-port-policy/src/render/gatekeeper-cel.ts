import { systemNamespaces } from "../exemptions.ts";
import {
  type CelVariable,
  celRule,
  istioOwned,
  leaving,
  list,
  namespaceOf,
  patternVariable,
  serviceOptOut,
} from "./cel.ts";
import type { RenderSettings } from "./options.ts";

/** What a ConstraintTemplate says in CEL. */
export interface NativeValidation {
  variables: CelVariable[];
  validations: { expression: string; messageExpression: string; message: string }[];
}

/** A rule in CEL for a ConstraintTemplate; its parameters are the constraint's. */
export function gatekeeperCel(settings: RenderSettings): NativeValidation {
  const exempt = [
    `${namespaceOf} in variables.exemptNamespaces`,
    `(variables.exemptIstioServices && ${istioOwned})`,
    ...(settings.allowServiceOptOut ? serviceOptOut(settings) : []).map(
      ({ expression }) => `(${expression})`,
    ),
  ];
  const { variables, expression, messageExpression, message } = celRule(settings);
  return {
    variables: [
      parameter("exemptNamespaces", list(systemNamespaces)),
      parameter("exemptIstioServices", "true"),
      ...(settings.rule === "name"
        ? [parameter("protocols", list(settings.protocols)), patternVariable("variables.protocols")]
        : []),
      { name: "enforced", expression: `!(${[leaving, ...exempt].join("\n  || ")})` },
      ...variables,
    ],
    validations: [
      { expression: `!variables.enforced || ${expression}`, messageExpression, message },
    ],
  };
}

function parameter(name: string, otherwise: string): CelVariable {
  const given = `variables.params.${name}`;
  return {
    name,
    expression: `variables.params != null && has(${given}) ? ${given} : ${otherwise}`,
  };
}
