/** The Rego package of a rule. */
export const regoPackages = {
  istio: "k8sistioserviceportprotocol",
  name: "k8svalidistioserviceportname",
} as const;
