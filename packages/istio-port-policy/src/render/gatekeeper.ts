import { type OptOutLabel, systemNamespaces } from "../exemptions.ts";
import type { Rule } from "../finding.ts";
import { conventionProtocols } from "../naming.ts";
import { gatekeeperCel } from "./gatekeeper-cel.ts";
import type { KubernetesObject, NamespaceSelector } from "./kubernetes.ts";
import { type RenderOptions, type RenderSettings, toSettings } from "./options.ts";
import { regoPolicy } from "./rego.ts";

/** The kinds of the constraints. */
export const constraintKinds: Readonly<Record<Rule, string>> = {
  istio: "K8sIstioServicePortProtocol",
  name: "K8sValidIstioServicePortName",
};

/** What a rule asks for, in one line. */
export const ruleSummaries: Readonly<Record<Rule, string>> = {
  istio: "Requires Service ports whose protocol Istio can tell.",
  name: "Requires Service port names that begin with their protocol, as Istio's naming convention has it.",
};

/**
 * The Gatekeeper ConstraintTemplate of a rule.
 *
 * @throws PolicyError for an option that cannot be meant
 */
export function renderConstraintTemplate(options: RenderOptions = {}): KubernetesObject {
  const settings = toSettings(options);
  const kind = constraintKinds[settings.rule];
  return {
    apiVersion: "templates.gatekeeper.sh/v1",
    kind: "ConstraintTemplate",
    metadata: { name: kind.toLowerCase() },
    spec: {
      crd: {
        spec: {
          names: { kind },
          validation: { openAPIV3Schema: parametersSchema(settings) },
        },
      },
      targets: [{ target: "admission.k8s.gatekeeper.sh", ...sourceOf(settings) }],
    },
  };
}

/**
 * The Gatekeeper Constraint that puts the template to work on every Service.
 *
 * @throws PolicyError for an option that cannot be meant
 */
export function renderConstraint(options: RenderOptions = {}): KubernetesObject {
  const { rule, protocols, optOut, enforcement } = toSettings(options);
  return {
    apiVersion: "constraints.gatekeeper.sh/v1beta1",
    kind: constraintKinds[rule],
    metadata: { name: rule === "istio" ? "istio-port-protocol" : "istio-port-name" },
    spec: {
      enforcementAction: enforcement,
      match: {
        kinds: [{ apiGroups: [""], kinds: ["Service"] }],
        namespaceSelector: optOutSelector(optOut),
      },
      parameters: {
        ...(rule === "name" ? { protocols: [...protocols] } : {}),
        exemptNamespaces: [...systemNamespaces],
        exemptIstioServices: true,
      },
    },
  };
}

/** Leaves out the namespaces with the opt-out label. */
export function optOutSelector({ key, value }: OptOutLabel): NamespaceSelector {
  const expression =
    value === undefined
      ? { key, operator: "DoesNotExist" as const }
      : { key, operator: "NotIn" as const, values: [value] };
  return { matchExpressions: [expression] };
}

/** v0 goes where Gatekeeper has always had it; v1 and CEL need the newer list of engines. */
function sourceOf(settings: RenderSettings): object {
  if (settings.engine === "cel") {
    return { code: [{ engine: "K8sNativeValidation", source: gatekeeperCel(settings) }] };
  }
  const rego = regoPolicy(settings);
  if (settings.regoVersion === "v0") return { rego };
  return { code: [{ engine: "Rego", source: { version: "v1", rego } }] };
}

function parametersSchema({ rule }: RenderSettings): object {
  const texts = (description: string, example: readonly string[]) => ({
    description: `${description} Default: ${example.join(", ")}.`,
    type: "array",
    items: { type: "string" },
  });
  return {
    type: "object",
    description: ruleSummaries[rule],
    properties: {
      ...(rule === "name"
        ? { protocols: texts("What a port's name may begin with.", conventionProtocols) }
        : {}),
      exemptNamespaces: texts("Namespaces whose Services are not looked at.", systemNamespaces),
      exemptIstioServices: {
        description:
          "Leaves out Istio's own Services (label istio, or release: istio) and those it makes for a Gateway. Default: true.",
        type: "boolean",
      },
    },
  };
}
