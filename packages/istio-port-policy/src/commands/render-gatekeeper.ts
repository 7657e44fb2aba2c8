import { command } from "@internal/lib/command";
import { print } from "@internal/lib/formats";
import {
  enforcementOptions,
  engineOptions,
  regoOptions,
  renderOptions,
  toRenderOptions,
} from "./render-options.ts";

export const renderGatekeeper = command({
  name: "render gatekeeper",
  usage: "[OPTION…]",
  summary: "Prints the Gatekeeper ConstraintTemplate and its Constraint.",
  details: `Namespaces with the opt-out label are left out. On an update only newly wrong ports are a violation,
and nothing stands in the way of a deletion. Rego v1 needs Gatekeeper 3.19, --engine cel 3.18.`,
  options: { ...renderOptions, ...engineOptions, ...regoOptions, ...enforcementOptions },
  examples: [
    { line: "istio-port-policy render gatekeeper | kubectl apply -f -", does: "deny from now on" },
    {
      line: "istio-port-policy render gatekeeper --rule name --rego-version v0 --enforcement dryrun",
      does: "the naming convention, for an older Gatekeeper, in the audit alone",
    },
  ],
  async run({ values, io }) {
    const options = toRenderOptions(values);
    const { renderConstraint, renderConstraintTemplate } = await import("../render/gatekeeper.ts");
    const { toYaml } = await import("../render/yaml.ts");
    await print(io.stdout, toYaml([renderConstraintTemplate(options), renderConstraint(options)]));
    return 0;
  },
});
