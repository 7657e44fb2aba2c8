import { command } from "@internal/lib/command";
import { UsageError } from "@internal/lib/errors";
import { parseNumber } from "@internal/lib/numbers";
import { printYaml } from "@internal/lib/yaml-documents";

const imageOption = {
  image: { value: "IMAGE", help: "the image with pagerduty-tester in it" },
} as const;

export const renderDeployment = command({
  name: "render deployment",
  usage: "--image IMAGE [OPTION…]",
  summary: "Prints a Deployment with a volume for the journal.",
  details: `It reads a ConfigMap pagerduty-tester with config.yaml and a Secret pagerduty-tester with
PAGERDUTY_TOKEN. With several replicas the image needs kube-leader too, and the service account the
role that kube-leader render rbac prints.`,
  options: {
    ...imageOption,
    replicas: { value: "N", help: "default 1; more put kube-leader in front" },
  },
  examples: [
    {
      line: "pagerduty-tester render deployment --image registry.example/tester:1 | kubectl apply -f -",
      does: "apply it",
    },
  ],
  async run({ values, io }) {
    const replicas = parseNumber("--replicas", values.replicas ?? "1", { whole: true, from: 1 });
    const render = await import("../render.ts");
    await printYaml(io.stdout, render.renderDeployment({ image: imageOf(values), replicas }));
    return 0;
  },
});

export const renderCronJob = command({
  name: "render cronjob",
  usage: "--image IMAGE",
  summary: "Prints a CronJob of run --once with a volume for the journal.",
  options: imageOption,
  examples: [
    { line: "pagerduty-tester render cronjob --image registry.example/tester:1", does: "print it" },
  ],
  async run({ values, io }) {
    const render = await import("../render.ts");
    await printYaml(io.stdout, render.renderCronJob({ image: imageOf(values) }));
    return 0;
  },
});

function imageOf({ image }: { image?: string }): string {
  if (image === undefined) throw new UsageError("--image IMAGE is missing");
  return image;
}
