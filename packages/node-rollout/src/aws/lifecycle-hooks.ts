import {
  type AutoScalingClient,
  CompleteLifecycleActionCommand,
  DescribeLifecycleHooksCommand,
  RecordLifecycleActionHeartbeatCommand,
} from "@aws-sdk/client-auto-scaling";
import type { AwsClients } from "./clients.ts";
import { describeGroups } from "./groups.ts";

/** One hook that holds one instance. */
export interface LifecycleAction {
  asg: string;
  hook: string;
  instanceId: string;
  token?: string;
}

/** A hook's own settings. */
export interface HookSettings {
  name: string;
  transition: "terminating" | "launching";
  /** Milliseconds without a heartbeat until the action ends by itself. */
  heartbeatMs: number;
  /** Milliseconds that heartbeats can hold an instance at most. */
  limitMs: number;
  /** ARN of the queue or topic that its notifications go to; none where EventBridge carries them. */
  target?: string;
}

/** An instance that its group waits for. */
export interface WaitingInstance {
  asg: string;
  instanceId: string;
  transition: "terminating" | "launching";
}

/**
 * What the daemon asks of Auto Scaling. `gone` means that no such action is active: done, given up, or never begun,
 * or its hook or group is deleted.
 */
export interface LifecycleHooks {
  heartbeat(action: LifecycleAction, signal?: AbortSignal): Promise<"held" | "gone">;
  complete(
    action: LifecycleAction,
    result: "CONTINUE" | "ABANDON",
    signal?: AbortSignal,
  ): Promise<"completed" | "gone">;
  /** A group's hooks; remembered for ten minutes. */
  settings(asg: string): Promise<HookSettings[]>;
  /** One of them, also when it is newer than what is remembered; undefined when there is none of that name. */
  settingsOf(asg: string, hook: string): Promise<HookSettings | undefined>;
  waiting(groups: readonly string[], signal?: AbortSignal): Promise<WaitingInstance[]>;
}

const settingsLastMs = 600_000;

export function createLifecycleHooks({
  autoScaling,
  heartbeats,
}: Pick<AwsClients, "autoScaling" | "heartbeats">): LifecycleHooks {
  const known = new Map<string, { settings: Promise<HookSettings[]>; until: number }>();

  /** A thousand actions that begin at once ask once. */
  function settings(asg: string): Promise<HookSettings[]> {
    const remembered = known.get(asg);
    return remembered !== undefined && remembered.until > Date.now()
      ? remembered.settings
      : describeAnew(asg);
  }

  function describeAnew(asg: string): Promise<HookSettings[]> {
    const settings = describeHooks(autoScaling, asg);
    const entry = { settings, until: Date.now() + settingsLastMs };
    known.set(asg, entry);
    settings.catch(() => {
      if (known.get(asg) === entry) known.delete(asg);
    });
    return settings;
  }

  /** Auto Scaling's only sign that an action is over; after a lost answer it is also the sign of success. */
  async function goneOr<T>(
    success: T,
    { asg, hook }: LifecycleAction,
    sent: Promise<unknown>,
  ): Promise<T | "gone"> {
    try {
      await sent;
      return success;
    } catch (error) {
      const { name, message } = error as Error;
      if (name !== "ValidationError") throw error;
      if (/No active Lifecycle Action/i.test(message)) return "gone";
      // Of a hook or a group that is deleted it says so in other words; what is there tells it for certain.
      const hooks = await describeAnew(asg).catch((cause: unknown) => {
        if ((cause as Error).name === "ValidationError") return [];
        throw error;
      });
      if (hooks.some((each) => each.name === hook)) throw error;
      return "gone";
    }
  }

  return {
    heartbeat(action, abortSignal) {
      const command = new RecordLifecycleActionHeartbeatCommand(inputOf(action));
      return goneOr("held", action, heartbeats.send(command, options(abortSignal)));
    },
    complete(action, result, abortSignal) {
      const input = { ...inputOf(action), LifecycleActionResult: result };
      const command = new CompleteLifecycleActionCommand(input);
      return goneOr("completed", action, autoScaling.send(command, options(abortSignal)));
    },
    settings,
    async settingsOf(asg, hook) {
      const isIt = ({ name }: HookSettings) => name === hook;
      return (await settings(asg)).find(isIt) ?? (await describeAnew(asg)).find(isIt);
    },
    waiting: (groups, abortSignal) => describeWaiting(autoScaling, groups, abortSignal),
  };
}

/** A token and an instance id both name an action; together they must agree, so one is enough. */
function inputOf({ asg, hook, instanceId, token }: LifecycleAction) {
  const by = token === undefined ? { InstanceId: instanceId } : { LifecycleActionToken: token };
  return { AutoScalingGroupName: asg, LifecycleHookName: hook, ...by };
}

function options(abortSignal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return abortSignal === undefined ? {} : { abortSignal };
}

const transitions: Record<string, HookSettings["transition"]> = {
  "autoscaling:EC2_INSTANCE_TERMINATING": "terminating",
  "autoscaling:EC2_INSTANCE_LAUNCHING": "launching",
};

async function describeHooks(client: AutoScalingClient, asg: string): Promise<HookSettings[]> {
  const command = new DescribeLifecycleHooksCommand({ AutoScalingGroupName: asg });
  const { LifecycleHooks = [] } = await client.send(command);
  return LifecycleHooks.flatMap((hook) => {
    const transition = transitions[hook.LifecycleTransition ?? ""];
    if (transition === undefined) return [];
    const heartbeat = hook.HeartbeatTimeout ?? 3600;
    const limit = hook.GlobalTimeout ?? Math.min(48 * 3600, heartbeat * 100);
    return {
      name: hook.LifecycleHookName ?? "",
      transition,
      heartbeatMs: heartbeat * 1000,
      limitMs: limit * 1000,
      ...(hook.NotificationTargetARN ? { target: hook.NotificationTargetARN } : {}),
    };
  });
}

const waitingStates: Record<string, WaitingInstance["transition"]> = {
  "Terminating:Wait": "terminating",
  "Pending:Wait": "launching",
};

async function describeWaiting(
  client: AutoScalingClient,
  names: readonly string[],
  abortSignal: AbortSignal | undefined,
): Promise<WaitingInstance[]> {
  const groups = await describeGroups(client, names, abortSignal);
  return groups.flatMap(({ name: asg, instances }) =>
    [...instances].flatMap(([instanceId, state]) => {
      const transition = waitingStates[state];
      return transition === undefined ? [] : [{ asg, instanceId, transition }];
    }),
  );
}
