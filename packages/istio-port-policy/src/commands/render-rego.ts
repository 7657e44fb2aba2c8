import { join } from "node:path";
import { command } from "@internal/lib/command";
import { makeFolders } from "@internal/lib/folders";
import { print, writeWhole } from "@internal/lib/formats";
import { regoOptions, renderOptions, toRenderOptions } from "./render-options.ts";

export const renderRegoCommand = command({
  name: "render rego",
  usage: "[OPTION…]",
  summary: "Writes the policy as plain Rego, with its tests.",
  details: `Without --out the policy goes to stdout. With --out DIR, DIR/policy.rego and DIR/policy_test.rego are
written; opa test DIR runs the tests (for --rego-version v0 with opa's --v0-compatible).`,
  options: {
    ...renderOptions,
    ...regoOptions,
    out: { value: "DIR", help: "write policy.rego and policy_test.rego into this folder" },
  },
  examples: [
    { line: "istio-port-policy render rego", does: "the policy, to stdout" },
    {
      line: "istio-port-policy render rego --rule name --out policies/istio",
      does: "policy and tests, ready for opa test or rego-coverage",
    },
  ],
  async run({ values, io }) {
    const { renderRego } = await import("../render/rego.ts");
    const { policy, tests } = renderRego(toRenderOptions(values));
    if (values.out === undefined) {
      await print(io.stdout, policy);
      return 0;
    }
    await makeFolders(values.out);
    for (const [name, text] of Object.entries({
      "policy.rego": policy,
      "policy_test.rego": tests,
    })) {
      const file = join(values.out, name);
      await writeWhole(file, text);
      await print(io.stdout, `${file}\n`);
    }
    return 0;
  },
});
