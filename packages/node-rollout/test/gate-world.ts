import type { Stack } from "@internal/test/aws/stacks";
import { type RunningCli, startCli } from "@internal/test/cli";
import { makeFolder } from "@internal/test/folder";
import { type RolloutWorld, startRolloutWorld } from "@internal/test/rollout-world";

export const startupTaint = "startup-taint.cluster-autoscaler.kubernetes.io/node-rollout";

interface Node {
  metadata: { annotations?: Record<string, string> };
  spec: { taints?: { key: string }[] };
}

/** A rollout world whose group is a resource of a stack that is being updated. */
export interface GateWorld extends AsyncDisposable {
  world: RolloutWorld;
  stack: Stack;
  folder: ReturnType<typeof makeFolder>;
  /** Starts the daemon with these lines in its `readiness` block. */
  run(env?: Record<string, string>): RunningCli;
  /** An instance comes into the group, in this state, and is a node behind the startup taint. */
  join(name: string, more?: { ready?: boolean; bootId?: string; state?: string }): void;
  /** The node's conditions as they are from now on. */
  report(name: string, ready: boolean, bootId?: string): void;
  isTainted(name: string): boolean;
  record(name: string): { told?: { result: string }; bootId?: string } | undefined;
  /** Resolves when something holds, by the changes of the API server's store and the requests to AWS. */
  until(holds: () => boolean): Promise<void>;
}

export async function startGateWorld(readiness: string, more = ""): Promise<GateWorld> {
  const world = await startRolloutWorld();
  const { kubernetes, aws } = world;
  const stack: Stack = { name: "stack", status: "UPDATE_IN_PROGRESS", resources: ["Workers"] };
  stack.updatedAt = Date.now();
  aws.addStack(stack);
  const group = aws.lifecycle.groups.get("workers")!;
  group.tags["aws:cloudformation:stack-name"] = stack.name;
  group.tags["aws:cloudformation:logical-id"] = "Workers";
  const rule = "conditions: [{type: Ready, status: 'True'}]";
  const folder = makeFolder({
    "node-rollout.yaml": `queueUrl: ${world.queueUrl}
groups: [workers]
visibilitySeconds: 3
readiness: {${[rule, readiness].filter(Boolean).join(", ")}}
${more}
`,
  });
  const node = (name: string) => kubernetes.get("nodes", name) as unknown as Node | undefined;
  const listeners = new Set<() => void>();
  kubernetes.store.onChange(() => {
    for (const look of listeners) look();
  });
  aws.around = () => {
    for (const look of listeners) setImmediate(look);
  };
  const statusOf = (ready: boolean, bootId: string) => ({
    nodeInfo: { bootID: bootId },
    conditions: [
      {
        ...{ type: "Ready", status: ready ? "True" : "False", reason: ready ? "" : "NoNetwork" },
        lastHeartbeatTime: new Date(Date.now() + 1000).toISOString(),
      },
    ],
  });
  return {
    ...{ world, stack, folder },
    run: (env = {}) =>
      startCli("node-rollout", ["run", "--config", `${folder.path}/node-rollout.yaml`], {
        env: { ...world.env, ...env },
      }),
    join(name, { ready = true, bootId = "boot-1", state = "InService" } = {}) {
      const id = `i-${name}`;
      group.instances.set(id, { id, zone: "eu-west-1a", state });
      kubernetes.apply({
        apiVersion: "v1",
        kind: "Node",
        metadata: { name, creationTimestamp: new Date().toISOString() },
        spec: {
          providerID: `aws:///eu-west-1a/${id}`,
          taints: [{ key: startupTaint, effect: "NoSchedule" }],
        },
        status: statusOf(ready, bootId),
      });
    },
    report(name, ready, bootId = "boot-1") {
      const now = kubernetes.get("nodes", name)!;
      kubernetes.apply({ ...now, status: statusOf(ready, bootId) });
    },
    isTainted: (name) => (node(name)?.spec.taints ?? []).some(({ key }) => key === startupTaint),
    record(name) {
      const text = node(name)?.metadata.annotations?.["node-rollout/gate"];
      return text === undefined ? undefined : JSON.parse(text);
    },
    async until(holds) {
      await new Promise<void>((resolve) => {
        const look = () => {
          if (!holds()) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
      });
    },
    async [Symbol.asyncDispose]() {
      folder[Symbol.dispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** Ends the daemon as Kubernetes would. */
export async function stop(run: RunningCli): Promise<number | null> {
  run.kill("SIGTERM");
  return (await run.ended).code;
}
