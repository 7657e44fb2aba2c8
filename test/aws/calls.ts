import {
  AutoScalingGroupNamesType$,
  CompleteLifecycleActionType$,
  DescribeAutoScalingInstancesType$,
  DescribeLifecycleHooksType$,
  RecordLifecycleActionHeartbeatType$,
} from "@aws-sdk/client-auto-scaling";
import { DescribeStacksInput$, SignalResourceInput$ } from "@aws-sdk/client-cloudformation";
import {
  type ActionName,
  type Group,
  globalTimeout,
  type Lifecycle,
  ServiceError,
} from "./lifecycle.ts";
import type { Params, StructureSchema } from "./query.ts";
import type { Signal, Stacks } from "./stacks.ts";

type Answer = Parameters<typeof import("./query.ts").toXml>[0];

/** One action of a service: what it takes, in the SDK's own words, and what it does. */
export interface Call {
  schema: StructureSchema;
  answer(params: Params): Answer;
}

/** The service's own limit; its models do not tell it. */
const namesAtOnce = 50;

/** Every action this fake knows; any other is refused loudly. */
export function callsOf(
  lifecycle: Lifecycle,
  stacks: Stacks,
  now: () => number,
): Record<string, Call> {
  const group = (name: string): Group[] => {
    const found = lifecycle.groups.get(name);
    return found === undefined ? [] : [found];
  };
  return {
    CompleteLifecycleAction: {
      schema: CompleteLifecycleActionType$ as unknown as StructureSchema,
      answer(params) {
        lifecycle.complete(nameOf(params), text(params, "LifecycleActionResult"));
        return {};
      },
    },
    RecordLifecycleActionHeartbeat: {
      schema: RecordLifecycleActionHeartbeatType$ as unknown as StructureSchema,
      answer(params) {
        lifecycle.heartbeat(nameOf(params));
        return {};
      },
    },
    DescribeLifecycleHooks: {
      schema: DescribeLifecycleHooksType$ as unknown as StructureSchema,
      answer: (params) => ({
        LifecycleHooks: group(text(params, "AutoScalingGroupName")).flatMap(({ name, hooks }) =>
          hooks.map((hook) => ({
            AutoScalingGroupName: name,
            LifecycleHookName: hook.name,
            LifecycleTransition: hook.transition,
            HeartbeatTimeout: hook.heartbeatTimeout,
            GlobalTimeout: globalTimeout(hook),
            DefaultResult: hook.defaultResult,
            NotificationTargetARN: hook.target,
          })),
        ),
      }),
    },
    DescribeAutoScalingGroups: {
      schema: AutoScalingGroupNamesType$ as unknown as StructureSchema,
      answer(params) {
        const names = list(params, "AutoScalingGroupNames");
        if (names.length > namesAtOnce) {
          const message = `The number of group names that may be passed in is limited to ${namesAtOnce}`;
          throw new ServiceError("ValidationError", message);
        }
        const chosen = names.length === 0 ? [...lifecycle.groups.values()] : names.flatMap(group);
        return { AutoScalingGroups: chosen.map(describeGroup) };
      },
    },
    DescribeAutoScalingInstances: {
      schema: DescribeAutoScalingInstancesType$ as unknown as StructureSchema,
      answer(params) {
        const ids = list(params, "InstanceIds");
        const all = [...lifecycle.groups.values()].flatMap(({ name, instances }) =>
          [...instances.values()].map((instance) => ({
            AutoScalingGroupName: name,
            ...describeInstance(instance),
          })),
        );
        const chosen = all.filter(({ InstanceId }) => ids.length === 0 || ids.includes(InstanceId));
        return { AutoScalingInstances: chosen };
      },
    },
    DescribeStacks: {
      schema: DescribeStacksInput$ as unknown as StructureSchema,
      answer(params) {
        const { name, status, updatedAt } = stacks.find(text(params, "StackName"));
        return {
          Stacks: [
            {
              StackName: name,
              StackStatus: status,
              CreationTime: new Date(0),
              ...(updatedAt === undefined ? {} : { LastUpdatedTime: new Date(updatedAt) }),
            },
          ],
        };
      },
    },
    SignalResource: {
      schema: SignalResourceInput$ as unknown as StructureSchema,
      answer(params) {
        stacks.signal({
          stack: text(params, "StackName"),
          resource: text(params, "LogicalResourceId"),
          uniqueId: text(params, "UniqueId"),
          status: text(params, "Status") as Signal["status"],
          at: now(),
        });
        return {};
      },
    },
  };
}

function describeGroup({ name, instances, tags }: Group): { [name: string]: Answer } {
  return {
    AutoScalingGroupName: name,
    AutoScalingGroupARN: `arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:1:autoScalingGroupName/${name}`,
    MinSize: 0,
    MaxSize: 100,
    DesiredCapacity: instances.size,
    DefaultCooldown: 300,
    AvailabilityZones: ["eu-west-1a"],
    HealthCheckType: "EC2",
    CreatedTime: new Date(0),
    Instances: [...instances.values()].map(describeInstance),
    Tags: Object.entries(tags).map(([Key, Value]) => ({
      ResourceId: name,
      ResourceType: "auto-scaling-group",
      Key,
      Value,
      PropagateAtLaunch: true,
    })),
  };
}

function describeInstance({ id, zone, state }: { id: string; zone: string; state: string }) {
  return {
    InstanceId: id,
    AvailabilityZone: zone,
    LifecycleState: state,
    HealthStatus: "Healthy",
    ProtectedFromScaleIn: false,
  };
}

function nameOf(params: Params): ActionName {
  return {
    group: text(params, "AutoScalingGroupName"),
    hook: text(params, "LifecycleHookName"),
    token: params["LifecycleActionToken"] as string | undefined,
    instanceId: params["InstanceId"] as string | undefined,
  };
}

function text(params: Params, name: string): string {
  return params[name] as string;
}

function list(params: Params, name: string): string[] {
  return (params[name] ?? []) as string[];
}
