import { command } from "@internal/lib/command";
import { isAbort, UsageError } from "@internal/lib/errors";

/** `node-rollout run` */
export const runCommand = command({
  name: "run",
  usage: "--config FILE [OPTION…]",
  summary: "Drains nodes when lifecycle hooks ask for it, and gates new ones until they are ready.",
  details: `Region, credentials and endpoints of AWS are read as the AWS SDK reads them, Kubernetes' as kubectl does.
SIGTERM hands over: nothing is completed, and the messages in hand are visible to the next process.`,
  options: {
    config: { value: "FILE", help: "the configuration, YAML" },
    "queue-url": { value: "URL", help: "instead of the configuration's queueUrl" },
    listen: { value: "ADDR", help: "serve /metrics, /healthz and /readyz on HOST:PORT or :PORT" },
    context: { value: "NAME", help: "a context of the kubeconfig" },
  },
  examples: [
    { line: "node-rollout run --config node-rollout.yaml --listen :9090", does: "until stopped" },
  ],
  endsClean: true,
  async run({ values, signal, io }) {
    if (values.config === undefined) throw new UsageError("--config FILE is missing");
    const { readConfig } = await import("@internal/lib/yaml-config");
    const { configSchema } = await import("../config.ts");
    const { value } = await readConfig(values.config, configSchema);
    const config = { ...value, queueUrl: values["queue-url"] ?? value.queueUrl };
    const { connectKubernetes } = await import("../kubernetes/connect.ts");
    const { context } = values;
    const kubernetes = await connectKubernetes({
      ...(context === undefined ? {} : { context }),
      env: io.env,
    });
    const { createDaemon, DaemonRefused } = await import("../daemon/daemon.ts");
    const { logEvents } = await import("../daemon/log.ts");
    const { createMetrics } = await import("../daemon/metrics.ts");
    const { createLog } = await import("@internal/lib/log");
    const { serveObservability } = await import("@internal/lib/observability");
    const log = createLog({ name: "node-rollout", stream: io.stderr });
    const write = logEvents(log);
    const ownPodUid = io.env["POD_UID"];
    const daemon = createDaemon({
      config,
      kubernetes,
      ...(ownPodUid === undefined ? {} : { ownPodUid }),
      onEvent(event) {
        metrics.event(event);
        write(event);
      },
    });
    const metrics = createMetrics(daemon);
    const listen = values.listen ?? config.listen;
    const server =
      listen === undefined
        ? undefined
        : await serveObservability({
            ...{ listen, registry: metrics.registry },
            ...{ health: daemon.stuck, ready: daemon.problem },
          });
    if (server !== undefined) log.info(`listening on ${server.url}`, { url: server.url });
    log.info("started", { groups: config.groups, queueUrl: config.queueUrl });
    try {
      await daemon.run(signal);
    } catch (error) {
      if (error instanceof DaemonRefused) throw new UsageError(error.message, { cause: error });
      if (!isAbort(error)) throw error;
    } finally {
      await server?.close();
    }
    log.info("handed over");
    return 0;
  },
});
