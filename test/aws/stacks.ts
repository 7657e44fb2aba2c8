import { ServiceError } from "./lifecycle.ts";

/** A CloudFormation stack, as far as signals know it. */
export interface Stack {
  name: string;
  /** `UPDATE_IN_PROGRESS`, `UPDATE_COMPLETE`, `UPDATE_ROLLBACK_IN_PROGRESS`, … */
  status: string;
  resources: string[];
  /** When its last update began, in milliseconds. @default 0 */
  updatedAt?: number;
}

export interface Signal {
  stack: string;
  resource: string;
  uniqueId: string;
  status: "SUCCESS" | "FAILURE";
  at: number;
}

/** CloudFormation's signals: accepted while a stack is created or updated, one for each unique id. */
export class Stacks {
  readonly stacks = new Map<string, Stack>();
  /** Those that counted: the first of each resource and unique id since its stack's last update began. */
  readonly signals: Signal[] = [];
  /** Called with every signal that counts. */
  onSignal: ((signal: Signal) => void) | undefined;

  find(name: string): Stack {
    const stack = this.stacks.get(name);
    if (stack !== undefined) return stack;
    throw new ServiceError("ValidationError", `Stack with id ${name} does not exist`);
  }

  signal(signal: Signal): void {
    const stack = this.stacks.get(signal.stack);
    if (stack === undefined) {
      throw new ServiceError("ValidationError", `Stack [${signal.stack}] does not exist`);
    }
    if (!stack.resources.includes(signal.resource)) {
      throw new ServiceError(
        "ValidationError",
        `Resource ${signal.resource} does not exist for stack ${stack.name}`,
      );
    }
    if (!/^(CREATE|UPDATE|UPDATE_ROLLBACK)_IN_PROGRESS$/.test(stack.status)) {
      throw new ServiceError(
        "ValidationError",
        `Stack:${stack.name} is in ${stack.status} state and cannot be signaled`,
      );
    }
    if (signal.status !== "SUCCESS" && signal.status !== "FAILURE") {
      throw new ServiceError(
        "ValidationError",
        "Value at 'status' failed to satisfy constraint: Member must satisfy enum value set: [SUCCESS, FAILURE]",
      );
    }
    const isRepeated = this.signals.some(
      ({ stack: name, resource, uniqueId, at }) =>
        name === signal.stack &&
        resource === signal.resource &&
        uniqueId === signal.uniqueId &&
        at >= (stack.updatedAt ?? 0),
    );
    if (isRepeated) return;
    this.signals.push(signal);
    this.onSignal?.(signal);
  }
}
