import { randomUUID } from "node:crypto";

export type Transition =
  | "autoscaling:EC2_INSTANCE_TERMINATING"
  | "autoscaling:EC2_INSTANCE_LAUNCHING";

export interface Hook {
  name: string;
  transition: Transition;
  /** Seconds. */
  heartbeatTimeout: number;
  defaultResult: "CONTINUE" | "ABANDON";
  /** The ARN that it notifies itself; without one EventBridge alone hears of it. */
  target?: string;
}

export interface Instance {
  id: string;
  zone: string;
  /** `InService`, `Terminating:Wait`, `Terminating:Proceed`, `Pending:Wait`, `Terminated`. */
  state: string;
}

/** A hook that holds an instance. */
export interface Action {
  group: string;
  hook: Hook;
  instanceId: string;
  token: string;
  startedAt: number;
  /** When it ends by itself unless a heartbeat comes. */
  expiresAt: number;
  heartbeats: number[];
  state: "waiting" | "completed" | "expired" | "skipped";
  result?: string;
  endedAt?: number;
}

export interface Group {
  name: string;
  hooks: Hook[];
  instances: Map<string, Instance>;
  tags: Record<string, string>;
}

/** A service's refusal, in the words it uses. */
export class ServiceError extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** Seconds a hook can hold an instance at most: 48 hours or a hundred heartbeats. */
export function globalTimeout({ heartbeatTimeout }: Hook): number {
  return Math.min(48 * 3600, heartbeatTimeout * 100);
}

/** What a caller names an action by. */
export interface ActionName {
  group: string;
  hook: string;
  token?: string | undefined;
  instanceId?: string | undefined;
}

/** Auto Scaling's lifecycle hooks: one state machine for each group, hook and instance. */
export class Lifecycle {
  readonly groups = new Map<string, Group>();
  readonly actions: Action[] = [];
  /** Called when an instance is gone, or in service. */
  onSettled: ((instance: Instance, group: Group) => void) | undefined;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Puts an instance into `*:Wait` under every hook of the transition; without one it goes on at once. */
  begin(groupName: string, instanceId: string, transition: Transition): Action[] {
    const group = this.#group(groupName);
    const terminating = transition === "autoscaling:EC2_INSTANCE_TERMINATING";
    const instance = group.instances.get(instanceId) ?? {
      id: instanceId,
      zone: "eu-west-1a",
      state: "",
    };
    group.instances.set(instanceId, instance);
    instance.state = terminating ? "Terminating:Wait" : "Pending:Wait";
    const now = this.#now();
    const begun = group.hooks
      .filter((hook) => hook.transition === transition)
      .map((hook): Action => {
        const times = { startedAt: now, expiresAt: now + hook.heartbeatTimeout * 1000 };
        const names = { group: groupName, hook, instanceId, token: randomUUID() };
        return { ...names, ...times, heartbeats: [], state: "waiting" };
      });
    this.actions.push(...begun);
    this.#settle(group, instance);
    return begun;
  }

  heartbeat(name: ActionName): void {
    const action = this.#active(name);
    const now = this.#now();
    const latest = action.startedAt + globalTimeout(action.hook) * 1000;
    action.heartbeats.push(now);
    action.expiresAt = Math.min(latest, now + action.hook.heartbeatTimeout * 1000);
  }

  complete(name: ActionName, result: string): void {
    if (result !== "CONTINUE" && result !== "ABANDON") {
      throw new ServiceError(
        "ValidationError",
        "Lifecycle action result must be CONTINUE or ABANDON",
      );
    }
    this.#end(this.#active(name), "completed", result);
  }

  /** Ends what has run out. */
  expire(): void {
    const now = this.#now();
    for (const action of this.actions) {
      if (action.state === "waiting" && action.expiresAt <= now) {
        this.#end(action, "expired", action.hook.defaultResult);
      }
    }
  }

  #end(action: Action, state: Action["state"], result: string): void {
    Object.assign(action, { state, result, endedAt: this.#now() });
    const group = this.#group(action.group);
    const instance = group.instances.get(action.instanceId);
    if (instance === undefined) return;
    if (result === "ABANDON") this.#skipOthers(action);
    this.#settle(group, instance);
  }

  /** ABANDON skips the hooks that are left. */
  #skipOthers({ group, instanceId }: Action): void {
    for (const other of this.actions) {
      const same = other.group === group && other.instanceId === instanceId;
      if (same && other.state === "waiting") other.state = "skipped";
    }
  }

  #settle(group: Group, instance: Instance): void {
    const mine = this.actions.filter(
      ({ group: name, instanceId }) => name === group.name && instanceId === instance.id,
    );
    if (mine.some(({ state }) => state === "waiting")) return;
    const launched = instance.state.startsWith("Pending");
    const abandoned = mine.at(-1)?.result === "ABANDON";
    instance.state = launched && !abandoned ? "InService" : "Terminated";
    if (instance.state === "Terminated") group.instances.delete(instance.id);
    this.onSettled?.(instance, group);
  }

  #group(name: string): Group {
    const group = this.groups.get(name);
    if (group === undefined) {
      throw new ServiceError("ValidationError", `AutoScalingGroup name not found - ${name}`);
    }
    return group;
  }

  #active({ group: groupName, hook, token, instanceId }: ActionName): Action {
    this.expire();
    const group = this.#group(groupName);
    if (!group.hooks.some(({ name }) => name === hook)) {
      throw new ServiceError("ValidationError", `No lifecycle hook found with name ${hook}`);
    }
    if (token === undefined && instanceId === undefined) {
      throw new ServiceError(
        "ValidationError",
        "Either a lifecycle action token or an instance ID must be specified",
      );
    }
    const found = this.actions.find(
      (action) =>
        action.state === "waiting" &&
        action.group === groupName &&
        action.hook.name === hook &&
        (token === undefined || action.token === token) &&
        (instanceId === undefined || action.instanceId === instanceId),
    );
    if (found !== undefined) return found;
    const by = token === undefined ? `instance ID ${instanceId}` : `token ${token}`;
    throw new ServiceError("ValidationError", `No active Lifecycle Action found with ${by}`);
  }
}
