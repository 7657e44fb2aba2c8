import { z } from "zod";

/** How new nodes are gated: what makes one ready, and what becomes of one that does not get so. */
export interface ReadinessConfig {
  conditions: { type: string; status: "True" | "False" }[];
  maxAgeSeconds?: number | undefined;
  stableSeconds?: number | undefined;
  minNodeAgeSeconds?: number | undefined;
  daemonSets?: { namespace: string; name: string }[] | undefined;
  deadlineSeconds: number;
  pauseTimeSeconds?: number | undefined;
  maxDraining: number;
  startupTaint: string;
  hooks?: string[] | undefined;
}

/** As a user writes it. */
export type ReadinessInput = Pick<ReadinessConfig, "conditions"> & {
  [K in Exclude<keyof ReadinessConfig, "conditions">]?: ReadinessConfig[K] | undefined;
};

/** Cluster Autoscaler takes a node with a taint of this prefix for one that is still starting, not for a broken one. */
export const defaultStartupTaint = "startup-taint.cluster-autoscaler.kubernetes.io/node-rollout";

const name = z.string().min(1);

/** The schema of the `readiness` block. */
export const readinessSchema: z.ZodType<ReadinessConfig, ReadinessInput> = z
  .strictObject({
    conditions: z
      .array(z.strictObject({ type: name, status: z.enum(["True", "False"]) }))
      .describe("Conditions of the node, each with the status that is good."),
    maxAgeSeconds: z
      .number()
      .positive()
      .optional()
      .describe("Seconds since a condition's last heartbeat; one that is older does not count."),
    stableSeconds: z
      .number()
      .min(0)
      .optional()
      .describe("Seconds for which a condition must have had its status."),
    minNodeAgeSeconds: z.number().min(0).optional().describe("Seconds since the node was created."),
    daemonSets: z
      .array(z.strictObject({ namespace: name, name }))
      .optional()
      .describe("DaemonSets whose pod on the node must be Ready."),
    deadlineSeconds: z
      .number()
      .positive()
      .default(1800)
      .describe(
        "A node that is not ready so long after its instance appeared is given up: FAILURE to CloudFormation, ABANDON to a launch hook.",
      ),
    pauseTimeSeconds: z
      .number()
      .positive()
      .max(3600)
      .optional()
      .describe(
        "The PauseTime of the group's update policy: a ready node's SUCCESS is held for nine tenths of it at most. Default: deadlineSeconds, but an hour at most.",
      ),
    maxDraining: z
      .number()
      .int()
      .min(0)
      .default(1)
      .describe(
        "A ready node's success, which lets the group end its next nodes, waits while more nodes of the group drain.",
      ),
    startupTaint: name
      .default(defaultStartupTaint)
      .describe("The key of the taint that new nodes register with."),
    hooks: z
      .array(name)
      .min(1)
      .optional()
      .describe(
        "The launch hooks that are ours; without it all of our groups but those that notify another queue.",
      ),
  })
  .describe("Gates new nodes; without this block they are left alone.");

/** Milliseconds that CloudFormation waits for the signals of a batch. */
export function pauseMsOf({ pauseTimeSeconds, deadlineSeconds }: ReadinessConfig): number {
  return Math.min(pauseTimeSeconds ?? deadlineSeconds, 3600) * 1000;
}
