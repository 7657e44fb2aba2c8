import { command } from "@internal/lib/command";
import { parseFormats, writeFormats } from "@internal/lib/formats";
import type { ReadinessRule } from "../gate/readiness.ts";

/** `node-rollout status` */
export const statusCommand = command({
  name: "status",
  usage: "[OPTION…]",
  summary: "Shows every node in hand: its phase, what it waits for, and since when.",
  details: `Reads what the daemon's replicas have written on the nodes, so that the right to list nodes is all it needs.
HEARD is when the replica that holds the node last wrote; another takes it over after takeOverSeconds.`,
  options: {
    config: {
      value: "FILE",
      help: "the daemon's configuration, for names of one's own and what gated nodes lack",
    },
    context: { value: "NAME", help: "a context of the kubeconfig" },
    format: { value: "NAME[=FILE]", multiple: true, help: "text or json" },
  },
  examples: [{ line: "node-rollout status", does: "what is going on" }],
  async run({ values, signal, io }) {
    const requests = parseFormats(values.format ?? [], ["text", "json"]);
    const [{ connectKubernetes }, { readStatus }, { statusText }, { configOf }, defaults] =
      await Promise.all([
        import("../kubernetes/connect.ts"),
        import("../status/status.ts"),
        import("../status/report.ts"),
        import("./render-options.ts"),
        import("../gate/readiness-config.ts"),
      ]);
    const config = (await configOf(values.config))?.config;
    const { context } = values;
    const kubernetes = await connectKubernetes({
      ...(context === undefined ? {} : { context }),
      env: io.env,
    });
    const nodes = await readStatus(
      kubernetes,
      {
        recordAnnotation: config?.recordAnnotation ?? "node-rollout/record",
        startupTaint: config?.readiness?.startupTaint ?? defaults.defaultStartupTaint,
        rule: config?.readiness as ReadinessRule | undefined,
      },
      signal,
    );
    const render = (name: "text" | "json") =>
      name === "json"
        ? `${JSON.stringify({ nodes }, undefined, 2)}\n`
        : statusText(nodes, new Date());
    await writeFormats(requests, render, io);
    return 0;
  },
});
