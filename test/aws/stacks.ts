import { ServiceError } from "./lifecycle.ts";

/** A CloudFormation stack, as far as signals know it. */
export interface Stack {
  name: string;
  /** `UPDATE_IN_PROGRESS`, `UPDATE_COMPLETE`, `UPDATE_ROLLBACK_IN_PROGRESS`, … */
  status: string;
  resources: string[];
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
  readonly signals: Signal[] = [];

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
    if (!stack.status.endsWith("_IN_PROGRESS")) {
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
    this.signals.push(signal);
  }
}
