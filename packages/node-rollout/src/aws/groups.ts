import {
  type AutoScalingClient,
  type AutoScalingGroup,
  DescribeAutoScalingGroupsCommand,
} from "@aws-sdk/client-auto-scaling";
import type { StackResource } from "./signals.ts";

/** An Auto Scaling group as it is now. */
export interface Group {
  name: string;
  /** Lifecycle states by instance id: `Pending:Wait`, `InService`, `Terminating:Wait`, … */
  instances: Map<string, string>;
  /** The stack that made it, by the tags that CloudFormation puts on it. */
  stack?: StackResource;
}

/** An instance's place among our groups. */
export interface Membership {
  group: Group;
  state: string;
  /** When it was first seen, in milliseconds; absent for instances that were there from the start. */
  arrivedAt?: number;
}

/** Our groups, as they were when they were last looked at. */
export interface Groups {
  /** Looks at them again, unless that was done within so many milliseconds. */
  refresh(maxAgeMs: number): Promise<void>;
  /** When the look that this view is from began, in milliseconds; before the first one, before all time. */
  lookedAt(): number;
  find(instanceId: string): Membership | undefined;
  inState(state: string): { group: string; instanceId: string }[];
  /** Instances that came after the first look. */
  arrived(): string[];
}

/** The most names that one request may carry. */
const namesAtOnce = 50;

/** Keeps a view of the groups. Nothing is sent before the first refresh. */
export function createGroups(
  client: AutoScalingClient,
  names: readonly string[],
  signal: AbortSignal,
): Groups {
  let instances = new Map<string, Membership>();
  let first = true;
  let looked = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    const begun = Date.now();
    const seen = new Map<string, Membership>();
    for (const group of await describeGroups(client, names, signal)) {
      for (const [id, state] of group.instances) {
        const arrivedAt =
          instances.get(id)?.arrivedAt ?? (first || instances.has(id) ? undefined : begun);
        seen.set(id, { group, state, ...(arrivedAt === undefined ? {} : { arrivedAt }) });
      }
    }
    instances = seen;
    first = false;
    looked = begun;
  }

  return {
    async refresh(maxAgeMs) {
      if (Date.now() - looked < maxAgeMs) return;
      looking ??= look().finally(() => {
        looking = undefined;
      });
      await looking;
    },
    lookedAt: () => looked,
    find: (instanceId) => instances.get(instanceId),
    inState: (wanted) =>
      [...instances].flatMap(([instanceId, { group, state }]) =>
        state === wanted ? [{ group: group.name, instanceId }] : [],
      ),
    arrived: () =>
      [...instances].filter(([, { arrivedAt }]) => arrivedAt !== undefined).map(([id]) => id),
  };
}

/** The groups of these names; those that do not exist are left out. */
export async function describeGroups(
  client: AutoScalingClient,
  names: readonly string[],
  abortSignal?: AbortSignal,
): Promise<Group[]> {
  const groups: Group[] = [];
  for (let start = 0; start < names.length; start += namesAtOnce) {
    const AutoScalingGroupNames = names.slice(start, start + namesAtOnce);
    let NextToken: string | undefined;
    do {
      const page = await client.send(
        new DescribeAutoScalingGroupsCommand({
          AutoScalingGroupNames,
          ...(NextToken === undefined ? {} : { NextToken }),
        }),
        abortSignal && { abortSignal },
      );
      groups.push(...(page.AutoScalingGroups ?? []).map(toGroup));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
  }
  return groups;
}

function toGroup({
  AutoScalingGroupName = "",
  Instances = [],
  Tags = [],
}: AutoScalingGroup): Group {
  const tag = (key: string) => Tags.find(({ Key }) => Key === `aws:cloudformation:${key}`)?.Value;
  const stack = tag("stack-name");
  const resource = tag("logical-id");
  return {
    name: AutoScalingGroupName,
    instances: new Map(
      Instances.map(({ InstanceId = "", LifecycleState = "" }) => [InstanceId, LifecycleState]),
    ),
    ...(stack === undefined || resource === undefined ? {} : { stack: { stack, resource } }),
  };
}

/** On its way out: the gate has nothing to do with it any more. */
export function isLeaving(state: string | undefined): boolean {
  return state?.startsWith("Terminat") ?? false;
}
