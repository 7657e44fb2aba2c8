import {
  type CloudFormationClient,
  DescribeStacksCommand,
  SignalResourceCommand,
} from "@aws-sdk/client-cloudformation";

/** A group as a resource of a stack. */
export interface StackResource {
  stack: string;
  resource: string;
}

/** What a stack does with signals now. */
export interface StackState {
  /** `waiting` for signals, `rolling-back` and waiting for them, or neither. */
  status: "waiting" | "rolling-back" | "none";
  /** When it began to, in milliseconds: instances from before are none of its. */
  since: number;
}

/** What the gate asks of CloudFormation. */
export interface Signals {
  /** A stack's state, at most two seconds old. */
  state(stack: string, signal?: AbortSignal): Promise<StackState>;
  /**
   * Signals for one instance. CloudFormation counts an instance's signal once.
   *
   * @returns `nobody` when the stack does not wait for signals
   */
  send(
    to: StackResource,
    instanceId: string,
    status: "SUCCESS" | "FAILURE",
    signal?: AbortSignal,
  ): Promise<"told" | "nobody">;
}

const stateLastsMs = 2000;
const idle: StackState = { status: "none", since: 0 };

export function createSignals(client: CloudFormationClient): Signals {
  const known = new Map<string, { state: Promise<StackState>; until: number }>();
  return {
    state(stack, abortSignal) {
      const remembered = known.get(stack);
      if (remembered !== undefined && remembered.until > Date.now()) return remembered.state;
      const state = describe(client, stack, abortSignal);
      known.set(stack, { state, until: Date.now() + stateLastsMs });
      state.catch(() => known.delete(stack));
      return state;
    },
    async send({ stack, resource }, instanceId, Status, abortSignal) {
      const names = { StackName: stack, LogicalResourceId: resource, UniqueId: instanceId };
      try {
        await client.send(new SignalResourceCommand({ ...names, Status }), optionsOf(abortSignal));
        return "told";
      } catch (error) {
        if (isOver(error)) return "nobody";
        throw error;
      }
    },
  };
}

async function describe(
  client: CloudFormationClient,
  StackName: string,
  abortSignal: AbortSignal | undefined,
): Promise<StackState> {
  try {
    const answer = await client.send(
      new DescribeStacksCommand({ StackName }),
      optionsOf(abortSignal),
    );
    const [found] = answer.Stacks ?? [];
    const status = statusOf(found?.StackStatus ?? "");
    const since = (found?.LastUpdatedTime ?? found?.CreationTime)?.getTime() ?? 0;
    return { status, since };
  } catch (error) {
    // A group may outlive its stack, by a deletion policy of Retain, and keeps its tags.
    if (isValidationError(error, /does not exist/)) return idle;
    throw error;
  }
}

/** While an update rolls back the group's old policy is in force: the old instances that come back signal, too. */
function statusOf(status: string): StackState["status"] {
  if (status === "CREATE_IN_PROGRESS" || status === "UPDATE_IN_PROGRESS") return "waiting";
  return status === "UPDATE_ROLLBACK_IN_PROGRESS" ? "rolling-back" : "none";
}

/** CloudFormation's words for a stack or a resource that waits for no signal. */
function isOver(error: unknown): boolean {
  return isValidationError(error, /is in [A-Z_]+ state and cannot be signaled/);
}

function isValidationError(error: unknown, text: RegExp): boolean {
  const { name, message } = error as Error;
  return name === "ValidationError" && text.test(message);
}

function optionsOf(abortSignal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return abortSignal === undefined ? {} : { abortSignal };
}
