/** Runs the main job of all five packages on example input, without cloud, cluster or account. */
import { paintFor } from "@internal/lib/colors";
import type { Demo } from "./show.ts";

const paint = paintFor(process.stdout, process.env);
const demos = [
  "istio-port-policy",
  "rego-coverage",
  "kube-leader",
  "pagerduty-tester",
  "node-rollout",
];

for (const name of demos) {
  const { demo }: { demo: Demo } = await import(`./${name}.ts`);
  console.log(`\n${paint("bold", demo.name)}: ${demo.says}\n`);
  await demo.run();
}
console.log("\nThat was the demo. Each package's README goes on from here: packages/*/README.md");
// A fake that is still listening must not keep the demo open.
process.exit(0);
