import { command } from "@internal/lib/command";
import { print } from "@internal/lib/formats";

export const renderRbacCommand = command({
  name: "render rbac",
  usage: "[OPTION…]",
  summary:
    "Prints the role that check --cluster and explain --cluster need: list on services and namespaces.",
  options: {
    "service-account": { value: "NAME", help: "whom to bind; istio-port-policy by default" },
    namespace: { value: "NAME", help: "the service account's namespace; default by default" },
  },
  examples: [{ line: "istio-port-policy render rbac | kubectl apply -f -", does: "grant it" }],
  async run({ values, io }) {
    const { renderRbac } = await import("../render/rbac.ts");
    const { toYaml } = await import("../render/yaml.ts");
    const { "service-account": serviceAccount, namespace } = values;
    await print(io.stdout, toYaml(renderRbac({ serviceAccount, namespace })));
    return 0;
  },
});
