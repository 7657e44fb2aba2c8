import { command } from "@internal/lib/command";
import { print } from "@internal/lib/formats";
import { enforcementOptions, renderOptions, toRenderOptions } from "./render-options.ts";

export const renderVap = command({
  name: "render vap",
  usage: "[OPTION…]",
  summary:
    "Prints a ValidatingAdmissionPolicy and its binding: the API server enforces the rule itself.",
  details: `Needs Kubernetes 1.30 and nothing else. Namespaces with the opt-out label are left out. On an update only
newly wrong ports are refused, and nothing stands in the way of a deletion.`,
  options: { ...renderOptions, ...enforcementOptions },
  examples: [
    { line: "istio-port-policy render vap | kubectl apply -f -", does: "deny from now on" },
    { line: "istio-port-policy render vap --enforcement warn", does: "kubectl prints a warning" },
  ],
  async run({ values, io }) {
    const { renderAdmissionPolicy } = await import("../render/admission-policy.ts");
    const { toYaml } = await import("../render/yaml.ts");
    const { policy, binding } = renderAdmissionPolicy(toRenderOptions(values));
    await print(io.stdout, toYaml([policy, binding]));
    return 0;
  },
});
