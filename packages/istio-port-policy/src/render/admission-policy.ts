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
import { optOutSelector } from "./gatekeeper.ts";
import type { KubernetesObject } from "./kubernetes.ts";
import {
  type Enforcement,
  type RenderOptions,
  type RenderSettings,
  toSettings,
} from "./options.ts";

const names = { istio: "istio-port-protocol", name: "istio-port-name" } as const;

const validationActions: Readonly<Record<Enforcement, string[]>> = {
  deny: ["Deny"],
  warn: ["Warn"],
  dryrun: ["Audit"],
};

/**
 * The ValidatingAdmissionPolicy of a rule and its binding: enforcement by the API server itself (Kubernetes 1.30
 * or newer), without Gatekeeper.
 *
 * @throws PolicyError for an option that cannot be meant
 */
export function renderAdmissionPolicy(options: RenderOptions = {}): {
  policy: KubernetesObject;
  binding: KubernetesObject;
} {
  const settings = toSettings(options);
  const name = names[settings.rule];
  const { variables, expression, messageExpression, message } = celRule(settings);
  return {
    policy: {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      metadata: { name },
      spec: {
        failurePolicy: "Fail",
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: [""],
              apiVersions: ["v1"],
              operations: ["CREATE", "UPDATE"],
              resources: ["services"],
            },
          ],
        },
        matchConditions: matchConditions(settings),
        variables: [
          ...(settings.rule === "name" ? [patternVariable(list(settings.protocols))] : []),
          ...variables,
        ],
        validations: [{ expression, messageExpression, message, reason: "Invalid" }],
      },
    },
    binding: {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name },
      spec: {
        policyName: name,
        validationActions: validationActions[settings.enforcement],
        matchResources: { namespaceSelector: optOutSelector(settings.optOut) },
      },
    },
  };
}

/** The conditions under which the policy looks at a Service at all. */
function matchConditions(settings: RenderSettings): CelVariable[] {
  const unless = (name: string, expression: string) => ({ name, expression: `!(${expression})` });
  return [
    unless("not-leaving", leaving),
    unless("not-in-a-system-namespace", `${namespaceOf} in ${list(systemNamespaces)}`),
    unless("not-owned-by-istio", istioOwned),
    ...(settings.allowServiceOptOut ? serviceOptOut(settings) : []).map(({ name, expression }) =>
      unless(name, expression),
    ),
  ];
}
