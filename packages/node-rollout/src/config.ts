import { z } from "zod";
import {
  type ReadinessConfig,
  type ReadinessInput,
  readinessSchema,
} from "./gate/readiness-config.ts";

/** How a node is drained. */
interface DrainConfig {
  timeoutSeconds: number;
  onTimeout: "wait" | "force";
  graceSeconds?: number | undefined;
  criticalGraceSeconds?: number | undefined;
  ignoreDaemonSets: boolean;
  deleteEmptyDir: boolean;
  evictUnreplicated: boolean;
  settleSeconds: number;
  waitForVolumes: boolean;
  hooks?: string[] | undefined;
}

interface KubernetesConfig {
  qps: number;
  burst: number;
}

type Interruption = "spot" | "rebalance" | "state-change" | "scheduled-change";

/** The daemon's configuration, every default filled in. The JSON Schema describes each field. */
export interface Config {
  queueUrl: string;
  groups: string[];
  drain: DrainConfig;
  readiness?: ReadinessConfig | undefined;
  interruptions: Interruption[];
  unknownInstanceSeconds: number;
  kubernetes: KubernetesConfig;
  visibilitySeconds: number;
  recordAnnotation: string;
  takeOverSeconds: number;
  reconcileSeconds: number;
  listen?: string | undefined;
  webhook?: { url: string } | undefined;
}

/** Every field may be left out, or stand there without a value. */
type Optional<T> = { [K in keyof T]?: T[K] | undefined };

/** The daemon's configuration as a user writes it: all but the queue and the groups may be left out. */
export type ConfigInput = Pick<Config, "queueUrl" | "groups"> &
  Optional<Omit<Config, "queueUrl" | "groups" | "drain" | "readiness" | "kubernetes">> & {
    drain?: Optional<DrainConfig> | undefined;
    readiness?: ReadinessInput | undefined;
    kubernetes?: Optional<KubernetesConfig> | undefined;
  };

const text = z.string().min(1);
const seconds = (fallback: number) => z.number().positive().default(fallback);

const drainSchema = z
  .strictObject({
    timeoutSeconds: seconds(1800).describe(
      "After this time a drain that is not done raises an alarm (wait), or what is left is deleted so that its grace ends then (force).",
    ),
    onTimeout: z
      .enum(["wait", "force"])
      .default("wait")
      .describe("What happens to pods that cannot be evicted in time."),
    graceSeconds: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe("Seconds each pod gets to end; without it the pod's own."),
    criticalGraceSeconds: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe("The same for system-critical pods, which go last; without it as graceSeconds."),
    ignoreDaemonSets: z.boolean().default(true).describe("Leave DaemonSet pods on the node."),
    deleteEmptyDir: z
      .boolean()
      .default(true)
      .describe("Evict pods with emptyDir volumes: the instance goes, and the data with it."),
    evictUnreplicated: z
      .boolean()
      .default(true)
      .describe("Evict pods without a controller: the instance goes, and the pod with it."),
    settleSeconds: z
      .number()
      .min(0)
      .default(1)
      .describe("Seconds after cordoning before a node can count as empty."),
    waitForVolumes: z
      .boolean()
      .default(false)
      .describe("Wait until the node's volumes are detached before the action is completed."),
    hooks: z
      .array(text)
      .min(1)
      .optional()
      .describe(
        "The terminate hooks that are ours; without it all of our groups but those that notify another queue.",
      ),
  })
  .prefault({});

/** The schema of the daemon's configuration file. */
export const configSchema: z.ZodType<Config, ConfigInput> = z
  .strictObject({
    queueUrl: text.describe("The SQS queue that the lifecycle hooks and events go to."),
    groups: z
      .array(text)
      .min(1)
      .describe("The Auto Scaling groups that are ours; others are never completed."),
    drain: drainSchema,
    readiness: readinessSchema.optional(),
    interruptions: z
      .array(z.enum(["spot", "rebalance", "state-change", "scheduled-change"]))
      .default(["spot", "state-change", "scheduled-change"])
      .describe("EC2 events that drain a node without a lifecycle hook."),
    unknownInstanceSeconds: seconds(300).describe(
      "How long an instance that is no node is held before its action is completed.",
    ),
    kubernetes: z
      .strictObject({
        qps: z.number().positive().default(50).describe("Requests a second, over all nodes."),
        burst: z.number().int().positive().default(100),
      })
      .prefault({}),
    visibilitySeconds: z
      .number()
      .int()
      .min(3)
      .max(43_200)
      .default(30)
      .describe(
        "How long a message stays hidden from other consumers; renewed while it is in hand.",
      ),
    recordAnnotation: text
      .default("node-rollout/record")
      .describe("The annotation that keeps a node's record."),
    takeOverSeconds: z
      .number()
      .min(3)
      .max(86_400)
      .default(60)
      .describe(
        "How long a node's record goes without renewal before another process takes the node over.",
      ),
    reconcileSeconds: z
      .number()
      .min(1)
      .max(86_400)
      .default(60)
      .describe("How often lost messages are looked for among the instances that wait."),
    listen: text.optional().describe("HOST:PORT of /metrics, /healthz and /readyz."),
    webhook: z
      .strictObject({
        url: z
          .url({ protocol: /^https?$/, error: "expected an http or https URL" })
          .describe("Told of each drain's begin, end and alarm, as JSON; never logged."),
      })
      .optional(),
  })
  .meta({ title: "node-rollout", description: "Configuration of `node-rollout run`." });
