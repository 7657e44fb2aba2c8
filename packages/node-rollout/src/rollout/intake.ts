import type { LifecycleAction } from "../aws/lifecycle-hooks.ts";
import type { Config } from "../config.ts";
import type { MessageOutcome } from "../daemon/event.ts";
import { MessageError } from "../message/error.ts";
import { parseMessage, type QueueMessage } from "../message/message.ts";

/** What is to become of a message. */
export type Intake =
  | { outcome: "taken"; reason: string; instanceIds: string[]; action?: LifecycleAction }
  /** For the readiness gate, where there is one. */
  | { outcome: "launching"; reason: string; action: LifecycleAction }
  | { outcome: Exclude<MessageOutcome, "taken" | "launching">; reason: string };

/** What tells our own actions from others. */
interface Own extends Pick<Config, "groups" | "interruptions"> {
  drain: Pick<Config["drain"], "hooks">;
  readiness?: Pick<NonNullable<Config["readiness"]>, "hooks"> | undefined;
}

/** Decides what becomes of a message: only actions of our own groups are taken. */
export function judgeMessage(body: string, config: Own): Intake {
  let message: QueueMessage;
  try {
    message = parseMessage(body);
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    return { outcome: "malformed", reason: `${error.code}: ${error.message}` };
  }
  if (message.kind === "ignored") return { outcome: "ignored", reason: message.reason };
  if (message.kind === "interruption") return judgeInterruption(message, config);
  const { asg, hook, instanceId, token, transition } = message;
  if (!config.groups.includes(asg)) {
    return { outcome: "foreign", reason: `${asg} is none of the configured groups` };
  }
  const action = { asg, hook, instanceId, ...(token === undefined ? {} : { token }) };
  const hooks = transition === "launching" ? config.readiness?.hooks : config.drain.hooks;
  if (hooks?.includes(hook) === false) {
    return { outcome: "foreign", reason: `${hook} is none of the configured hooks` };
  }
  if (transition === "launching") {
    return {
      outcome: "launching",
      reason: `hook ${hook} of ${asg} waits for ${instanceId}`,
      action,
    };
  }
  const reason = `hook ${hook} of ${asg} holds ${instanceId}`;
  return { outcome: "taken", reason, instanceIds: [instanceId], action };
}

/**
 * An EC2 event may be about any instance of the account: of those it names only the ones in our groups are drained.
 *
 * @param isOwn tells whether an instance is in one of the configured groups now
 */
export function keepOwn(intake: Intake, isOwn: (instanceId: string) => boolean): Intake {
  if (!isInterruption(intake)) return intake;
  const instanceIds = intake.instanceIds.filter(isOwn);
  if (instanceIds.length > 0) return { ...intake, instanceIds };
  return { outcome: "ignored", reason: `${intake.reason}, in none of the configured groups` };
}

/** Taken without a lifecycle action that names its group. */
export function isInterruption(intake: Intake): intake is Extract<Intake, { outcome: "taken" }> {
  return intake.outcome === "taken" && intake.action === undefined;
}

function judgeInterruption(
  { reason, instanceIds }: Extract<QueueMessage, { kind: "interruption" }>,
  { interruptions }: Pick<Config, "interruptions">,
): Intake {
  if (!interruptions.includes(reason)) {
    return { outcome: "ignored", reason: `${reason} is none of the configured interruptions` };
  }
  return { outcome: "taken", reason: `${reason} of ${instanceIds.join(", ")}`, instanceIds };
}
